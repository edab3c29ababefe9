"""One participant's two media connections. They outlive the socket: media goes on while signalling is cut."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from rooms.ids import MeetingId, ParticipantId
from server.media import MediaPlane

CONNECTIONS = ("publishing", "receiving")

Listener = Callable[[str, str], None]

_numbers = itertools.count(1)


def _nobody(_connection: str, _state: str) -> None:
    """Where the participant's socket is cut there is nobody to tell."""


class MediaSession:
    """The peers of a participant, each by a name that is never used twice, and who hears of their states."""

    def __init__(self, meeting_id: MeetingId, participant_id: ParticipantId, media: MediaPlane) -> None:
        self.meeting_id = meeting_id
        self._participant_id = participant_id
        self._media = media
        self._peers: dict[str, str] = {}
        self._listener: Listener = _nobody

    def tell(self, listener: Listener | None) -> None:
        """Report `connected` and `lost` of a connection to this listener from now on."""
        self._listener = listener or _nobody

    def peer(self, connection: str) -> str:
        """The peer of a connection, a new one if there is none."""
        peer = self._peers.get(connection)
        if peer is None:
            peer = f"{self._participant_id}/{connection}/{next(_numbers)}"
            self._peers[connection] = peer
            self._media.watch_peer(peer, lambda state, _: self._changed(peer, connection, state))
        return peer

    def lost(self) -> None:
        """The worker is gone, and both connections with it."""
        for peer in self._peers.values():
            self._media.forget_peer(peer)
        self._peers.clear()
        for connection in CONNECTIONS:
            self._listener(connection, "lost")

    async def close(self) -> None:
        """End both connections; the next use makes new ones."""
        peers, self._peers = self._peers, {}
        for peer in peers.values():
            await self._media.close_peer(self.meeting_id, peer)

    def _changed(self, peer: str, connection: str, state: str) -> None:
        if self._peers.get(connection) != peer:
            return
        if state == "connected":
            self._listener(connection, "connected")
        elif state in {"closed", "failed"}:
            del self._peers[connection]
            self._media.forget_peer(peer)
            self._listener(connection, "lost")
