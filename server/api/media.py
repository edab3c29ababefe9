"""How a running meeting's media fare: for a control room, and for whoever sizes a server."""

from typing import Any

from aiohttp import web

from rooms.ids import ParticipantId
from server.access import managed_meeting
from server.api.models import MEETING_ID
from server.auth import Identity
from server.keys import MEDIA, QUALITY, STORAGE
from server.peer_names import owner_and_connection
from server.routes import Api, Reply

api = Api("meetings")


class ConnectionMedia(Reply):
    """A participant's `publishing`, `receiving`, `whip` or `whep` connection; the counters are the worker's,
    with one entry for each track (`tracks`) or slot (`slots`)."""

    connection: str
    statistics: dict[str, Any]


class ParticipantMedia(Reply):
    """A participant's connections, and the line as it was told last: `{score, reason, up, down}`, `score` from 0
    to 5."""

    participant_id: str
    name: str
    link: dict[str, Any] | None
    connections: list[ConnectionMedia]


class MediaReply(Reply):
    """Everybody who has a media connection now; nobody while no media worker carries the meeting."""

    meeting_id: str
    participants: list[ParticipantMedia]


@api.get(
    f"/api/v1/meetings/{MEETING_ID}/media",
    "Look at a meeting's media",
    errors=("meeting_unknown", "media_unavailable"),
)
async def get_media(request: web.Request, identity: Identity) -> MediaReply:
    """Return the statistics of each connection and track, and the quality of each line, as they are now."""
    meeting_id = (await managed_meeting(request, identity)).meeting_id
    peers = await request.app[MEDIA].statistics(meeting_id)
    links = request.app[QUALITY].links(meeting_id)
    names = await request.app[STORAGE].events.names(meeting_id)
    connections: dict[ParticipantId, list[ConnectionMedia]] = {}
    for peer, statistics in peers.items():
        owner, connection = owner_and_connection(peer)
        described = ConnectionMedia(connection=connection, statistics=statistics)
        connections.setdefault(owner, []).append(described)
    participants = [
        ParticipantMedia(
            participant_id=owner, name=names.get(owner, ""), link=links.get(owner), connections=those
        )
        for owner, those in connections.items()
    ]
    return MediaReply(meeting_id=meeting_id, participants=participants)
