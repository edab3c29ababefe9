"""The recording of a running meeting."""

from typing import Literal

from aiohttp import web
from pydantic import ConfigDict

from server.access import managed_meeting
from server.api.models import MEETING_ID
from server.audit import audit
from server.auth import Identity
from server.keys import MEETINGS
from server.routes import Api, Body, Reply

api = Api("meetings")


class RecordingCommand(Body):
    """What to do."""

    action: Literal["start", "stop", "pause", "resume"]


class RecordingStateReply(Reply):
    """The recording after the command."""

    model_config = ConfigDict(frozen=True, extra="allow")

    recording_id: str
    state: str


@api.post(
    f"/api/v1/meetings/{MEETING_ID}/recording",
    "Start, stop, pause or resume the recording",
    errors=(
        "meeting_unknown",
        "meeting_ended",
        "meeting_not_running",
        "recording_already_running",
        "recording_not_running",
        "recording_already_paused",
        "recording_not_paused",
    ),
)
async def command_recording(
    request: web.Request, identity: Identity, body: RecordingCommand
) -> RecordingStateReply:
    """Everybody in the meeting sees that it is recorded."""
    meeting = await managed_meeting(request, identity)
    user_id = identity.user.user_id
    state = await request.app[MEETINGS].recording(meeting.meeting_id, user_id, body.action)
    audit(request, f"recording_{body.action}", user=user_id, meeting=meeting.meeting_id)
    return RecordingStateReply(**state)
