"""A meeting's log, as it is kept."""

from typing import Any

from aiohttp import web
from pydantic import Field

from rooms.log import LoggedEvent
from server.access import managed_meeting
from server.api.models import MEETING_ID
from server.auth import Identity
from server.keys import STORAGE
from server.routes import Api, Query, Reply

api = Api("meetings")


class After(Query):
    """Where to begin and how much to get."""

    after: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=10_000, ge=1, le=10_000)


class EventReply(Reply):
    """An event as PROTOCOL.md describes it, with its place in the hash chain."""

    seq: int
    time: str
    meeting_ms: int
    actor: str
    type: str
    data: dict[str, Any]
    previous_hash: str
    hash: str


class EventsReply(Reply):
    """Events in order. When there are as many as the limit, ask again after the last one."""

    meeting_id: str
    events: list[EventReply]


@api.get(f"/api/v1/meetings/{MEETING_ID}/events", "Read a meeting's log", errors=("meeting_unknown",))
async def get_events(request: web.Request, identity: Identity, query: After) -> EventsReply:
    """Return what happened after `after`."""
    meeting = await managed_meeting(request, identity)
    logged = await request.app[STORAGE].events.read(meeting.meeting_id, query.after, query.limit)
    return EventsReply(meeting_id=meeting.meeting_id, events=[_reply(event) for event in logged])


def _reply(event: LoggedEvent) -> EventReply:
    return EventReply(**event.to_json(), previous_hash=event.previous_hash, hash=event.hash)
