"""Meetings: plan, list, look at, end."""

from typing import Any

from aiohttp import web

from rooms.media import VideoCodec
from server.access import managed_meeting
from server.api.models import MEETING_ID, MeetingReply, Page, join_url
from server.audit import audit
from server.auth import Identity
from server.client import public_origin
from server.keys import MEETINGS, STORAGE
from server.routes import Api, Body, Reply

api = Api("meetings")


class NewMeeting(Body):
    """What a meeting is called, and in what codec its pictures are sent if not in this server's usual one."""

    title: str
    video_codec: VideoCodec | None = None


class NewMeetingReply(Reply):
    """A planned meeting; who has `join_url` can come."""

    id: str
    code: str
    join_url: str


class MeetingsReply(Reply):
    """Meetings, newest first."""

    meetings: list[MeetingReply]


class MeetingDetails(MeetingReply):
    """A meeting, its choice of codec and its present state, as PROTOCOL.md describes the snapshot."""

    video_codec: VideoCodec
    snapshot: dict[str, Any]


class EndedReply(Reply):
    """A meeting that is over."""

    id: str
    state: str


@api.post("/api/v1/meetings", "Plan a meeting", status=201, errors=("title_invalid",))
async def create_meeting(request: web.Request, identity: Identity, body: NewMeeting) -> NewMeetingReply:
    """Plan a meeting; whoever asks manages it."""
    origin = public_origin(request)
    snapshot = await request.app[MEETINGS].create(body.title, identity.user.user_id, body.video_codec)
    audit(request, "meeting_created", user=identity.user.user_id, meeting=snapshot["meeting_id"])
    code = snapshot["code"]
    return NewMeetingReply(id=snapshot["meeting_id"], code=code, join_url=join_url(origin, code))


@api.get("/api/v1/meetings", "List the meetings that one manages")
async def list_meetings(request: web.Request, identity: Identity, query: Page) -> MeetingsReply:
    """Return the meetings of this user; an administrator's are all."""
    storage, origin = request.app[STORAGE], public_origin(request)
    meetings = await storage.meetings.list_for(identity.user, query.limit, query.offset)
    counts = await storage.recordings.count_by_meeting(meeting.meeting_id for meeting in meetings)
    replies = [MeetingReply.of(meeting, origin, counts.get(meeting.meeting_id, 0)) for meeting in meetings]
    return MeetingsReply(meetings=replies)


@api.get(f"/api/v1/meetings/{MEETING_ID}", "Look at a meeting", errors=("meeting_unknown",))
async def get_meeting(request: web.Request, identity: Identity) -> MeetingDetails:
    """Return a meeting with who is in it now."""
    meeting = await managed_meeting(request, identity)
    snapshot = await request.app[MEETINGS].snapshot(meeting.meeting_id)
    counts = await request.app[STORAGE].recordings.count_by_meeting([meeting.meeting_id])
    reply = MeetingReply.of(meeting, public_origin(request), counts.get(meeting.meeting_id, 0))
    return MeetingDetails(**dict(reply), video_codec=snapshot["video_codec"], snapshot=snapshot)


@api.post(
    f"/api/v1/meetings/{MEETING_ID}/end",
    "End a meeting for all",
    errors=("meeting_unknown", "meeting_ended", "meeting_not_running"),
)
async def end_meeting(request: web.Request, identity: Identity) -> EndedReply:
    """End the meeting and its recording; everybody is told and leaves."""
    meeting = await managed_meeting(request, identity)
    await request.app[MEETINGS].end(meeting.meeting_id, identity.user.user_id)
    audit(request, "meeting_ended", user=identity.user.user_id, meeting=meeting.meeting_id)
    return EndedReply(id=meeting.meeting_id, state="ended")
