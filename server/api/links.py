"""A meeting's own link: what it leads to, and a seat for whoever opens it."""

import base64
import hashlib
from datetime import timedelta

from aiohttp import web

from rooms.ids import MeetingId, ParticipantId, UserId, new_id
from rooms.participant import Kind
from rooms.permissions import Role
from rooms.text import clean_name
from server.access import identify
from server.api.models import CODE
from server.api.throttle import take
from server.audit import audit
from server.auth import Identity
from server.keys import CLOCK, LIMITS, STORAGE
from server.problems import Problem
from server.routes import Api, Body, Reply
from server.storage.meetings import MeetingRow

api = Api("links")

# A day holds the longest meeting and every reload in it; who comes back tomorrow opens the link again.
LINK_SEAT_LIFETIME = timedelta(hours=24)


class LinkReply(Reply):
    """The meeting behind a link, as far as whoever holds the link may know."""

    meeting_id: str
    title: str
    state: str
    signed_in_as: str | None
    manages: bool


class NewLinkSeat(Body):
    """The name that others will see."""

    name: str


class LinkSeatReply(Reply):
    """A seat: keep the token, it is the same seat after a reload."""

    token: str
    participant_id: str
    meeting_id: str


@api.get(f"/api/v1/links/{CODE}", "Look at a link", errors=("meeting_unknown", "too_many_attempts"))
async def get_link(request: web.Request) -> LinkReply:
    """Return which meeting a link leads to."""
    take(request, request.app[LIMITS].links)
    meeting, identity = await _meeting(request), await identify(request)
    return LinkReply(
        meeting_id=meeting.meeting_id,
        title=meeting.title,
        state=meeting.state,
        signed_in_as=identity.user.name if identity else None,
        manages=_manages(identity, meeting),
    )


@api.post(
    f"/api/v1/links/{CODE}/seats",
    "Take a seat by the meeting's link",
    errors=("meeting_unknown", "meeting_ended", "name_invalid", "too_many_attempts"),
)
async def take_seat(request: web.Request, body: NewLinkSeat) -> LinkSeatReply:
    """Give a delegate's seat, or the chair's to a signed-in manager of the meeting."""
    take(request, request.app[LIMITS].links)
    meeting, identity = await _meeting(request), await identify(request)
    if meeting.state == "ended":
        raise Problem(409, "meeting_ended")
    name, role, participant_id = clean_name(body.name), Role.DELEGATE, ParticipantId(new_id())
    if identity is not None and _manages(identity, meeting):
        role, participant_id = Role.CHAIR, managers_seat(meeting.meeting_id, identity.user.user_id)
    expires_at = request.app[CLOCK]() + LINK_SEAT_LIFETIME
    seats = request.app[STORAGE].seats
    token = await seats.issue(meeting.meeting_id, participant_id, name, role, Kind.PERSON, expires_at)
    user = identity.user.user_id if identity else None
    details = {"meeting": meeting.meeting_id, "participant": participant_id, "role": role.value}
    audit(request, "seat_taken", user=user, **details)
    return LinkSeatReply(token=token, participant_id=participant_id, meeting_id=meeting.meeting_id)


def managers_seat(meeting_id: MeetingId, user_id: UserId) -> ParticipantId:
    """Return the participant that a user is in a meeting: the same on every device and after every reload."""
    digest = hashlib.sha256(f"seat {meeting_id} {user_id}".encode()).digest()[:16]
    return ParticipantId(base64.b32encode(digest).decode("ascii").rstrip("=").lower())


def _manages(identity: Identity | None, meeting: MeetingRow) -> bool:
    return identity is not None and meeting.is_managed_by(identity.user)


async def _meeting(request: web.Request) -> MeetingRow:
    meeting = await request.app[STORAGE].meetings.by_code(request.match_info["code"])
    if meeting is None:
        raise Problem(404, "meeting_unknown")
    return meeting
