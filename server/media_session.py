"""One participant's two media connections. They outlive the socket: media goes on while signalling is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rooms.ids import MeetingId, ParticipantId
from server.media import MediaPlane
from server.peer_names import new_peer

CONNECTIONS = ("publishing", "receiving")

Listener = Callable[[str, Any], None]


def _nobody(_message: str, _data: Any) -> None:
    """Where the participant's socket is cut there is nobody to tell."""


class MediaSession:
    """The peers of a participant, and who hears of them: their states, and what the worker asks of the publisher.

    What is asked stays asked while the publishing connection lasts, so whoever comes back to it is told again.
    """

    def __init__(self, meeting_id: MeetingId, participant_id: ParticipantId, media: MediaPlane) -> None:
        self.meeting_id = meeting_id
        self._participant_id = participant_id
        self._media = media
        self._peers: dict[str, str] = {}
        self._listener: Listener = _nobody
        self._layers: dict[str, list[str]] = {}
        self._offer_wanted = False

    def tell(self, listener: Listener | None) -> None:
        """Give messages for the participant to this listener from now on, and now what the worker asked last."""
        self._listener = listener or _nobody
        for source, rids in self._layers.items():
            self._listener("layers", {"source": source, "rids": rids})
        if self._offer_wanted:
            self._listener("renegotiate", {})

    def want_layers(self, source: str, rids: list[str]) -> None:
        """The worker needs these encodings of a track now, and no others."""
        self._layers[source] = rids
        self._listener("layers", {"source": source, "rids": rids})

    def want_offer(self) -> None:
        """The worker needs another offer of the publishing connection."""
        self._offer_wanted = True
        self._listener("renegotiate", {})

    def offered(self) -> None:
        """An offer is on its way to the worker."""
        self._offer_wanted = False

    def peer(self, connection: str) -> str:
        """The peer of a connection, a new one if there is none."""
        peer = self._peers.get(connection)
        if peer is None:
            peer = new_peer(self._participant_id, connection)
            self._peers[connection] = peer
            self._media.watch_peer(peer, lambda state, _: self._changed(peer, connection, state))
        return peer

    def lost(self) -> None:
        """The worker is gone, and both connections with it."""
        for peer in self._peers.values():
            self._media.forget_peer(peer)
        self._peers.clear()
        self._forget_wishes()
        for connection in CONNECTIONS:
            self._tell_state(connection, "lost")

    async def close(self) -> None:
        """End both connections; the next use makes new ones."""
        peers, self._peers = self._peers, {}
        self._forget_wishes()
        for peer in peers.values():
            await self._media.close_peer(self.meeting_id, peer)

    def _changed(self, peer: str, connection: str, state: str) -> None:
        if self._peers.get(connection) != peer:
            return
        if state == "connected":
            self._tell_state(connection, "connected")
        elif state in {"closed", "failed"}:
            del self._peers[connection]
            self._media.forget_peer(peer)
            if connection == "publishing":
                self._forget_wishes()
            self._tell_state(connection, "lost")

    def _tell_state(self, connection: str, state: str) -> None:
        self._listener("media", {"connection": connection, "state": state})

    def _forget_wishes(self) -> None:
        self._layers.clear()
        self._offer_wanted = False
