"""Join tokens that a manager issues: a named seat for one person or room."""

from datetime import timedelta
from typing import Literal

from aiohttp import web

from rooms.ids import ParticipantId, new_id
from rooms.participant import Kind
from rooms.permissions import Role
from rooms.text import clean_name
from server.access import managed_meeting
from server.api.models import MEETING_ID, join_url
from server.audit import audit
from server.auth import Identity
from server.client import public_origin
from server.keys import CLOCK, STORAGE
from server.problems import Problem
from server.routes import Api, Body, Reply

api = Api("meetings")

# Invitations go out days ahead (QĐ 45/2018: three working days at least) and postponed meetings keep theirs.
ISSUED_LIFETIME = timedelta(days=30)


class NewSeat(Body):
    """Who is to sit where."""

    name: str
    role: Literal["chair", "secretary", "operator", "delegate", "guest"] = "delegate"
    kind: Literal["person", "room"] = "person"


class SeatReply(Reply):
    """A seat: its token opens the meeting as this participant, again and again until it ends."""

    token: str
    participant_id: str
    join_url: str


@api.post(
    f"/api/v1/meetings/{MEETING_ID}/tokens",
    "Issue a join token",
    errors=("meeting_unknown", "meeting_ended", "name_invalid"),
)
async def issue_token(request: web.Request, identity: Identity, body: NewSeat) -> SeatReply:
    """Make a seat. Each call makes another one, also for the same name."""
    meeting = await managed_meeting(request, identity)
    if meeting.state == "ended":
        raise Problem(409, "meeting_ended")
    origin = public_origin(request)
    participant_id, name = ParticipantId(new_id()), clean_name(body.name)
    expires_at = request.app[CLOCK]() + ISSUED_LIFETIME
    role, kind = Role(body.role), Kind(body.kind)
    seats = request.app[STORAGE].seats
    token = await seats.issue(meeting.meeting_id, participant_id, name, role, kind, expires_at)
    details = {"meeting": meeting.meeting_id, "participant": participant_id, "role": role.value}
    audit(request, "seat_issued", user=identity.user.user_id, **details)
    return SeatReply(
        token=token, participant_id=participant_id, join_url=join_url(origin, meeting.code, token)
    )
