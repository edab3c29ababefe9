"""Which media worker carries which meeting, and what the meeting's events mean for the media plane.

The worker knows tracks and owners, not people; the meeting knows people, not packets. Here they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from rooms.ids import MeetingId, ParticipantId
from rooms.media import VideoCodec
from server.codecs import PREFERENCES
from server.control import ChildLink, ControlServer
from server.protocol import Hint
from server.protocol import Source as SourceName
from server.services import IceServersOf
from sfu.control import ControlError

log = structlog.get_logger(__name__)

Report = dict[str, Any]


class MediaPlane:
    """The connected workers and the meetings placed on them; a meeting stays on its worker while that lives."""

    def __init__(self, control: ControlServer, ice_servers: IceServersOf = lambda _: []) -> None:
        self._control = control
        #: Through whom a participant's connections may go, for `join`.
        self.ice_servers = ice_servers
        self._placed: dict[MeetingId, str] = {}
        self._peer_listeners: dict[str, Callable[[str, str], None]] = {}
        self.on_placed: list[Callable[[MeetingId], None]] = []
        self.on_lost: list[Callable[[MeetingId], None]] = []
        #: What a meeting's worker tells of it: the report's name, the meeting, the rest.
        self.on_report: list[Callable[[str, MeetingId, Report], None]] = []
        control.on_event.append(self._report)
        control.on_gone.append(self._gone)

    async def check(self) -> None:
        """Raise when no meeting could have media now."""
        if not self._control.of_kind("sfu"):
            raise ControlError("media_unavailable", "no media worker is connected")

    async def publish(
        self,
        meeting_id: MeetingId,
        peer: str,
        owner: ParticipantId,
        offer: str,
        sources: Mapping[str, str] | None,
        video_codec: VideoCodec,
        hints: Mapping[SourceName, Hint] | None = None,
    ) -> dict[str, Any]:
        """Negotiate a publishing connection; see `sfu.node.Node.publish`."""
        return await self._worker(meeting_id).request(
            "publish",
            meeting=meeting_id,
            peer=peer,
            owner=owner,
            offer=offer,
            sources=sources,
            codecs=PREFERENCES[video_codec],
            hints=hints,
        )

    async def subscribe(
        self,
        meeting_id: MeetingId,
        peer: str,
        owner: ParticipantId,
        wants: list[dict[str, Any]],
        speakers: int,
    ) -> dict[str, Any]:
        """Say all that a participant's receiving connection wants; see `sfu.node.Node.subscribe`."""
        return await self._worker(meeting_id).request(
            "subscribe", meeting=meeting_id, peer=peer, owner=owner, wants=wants, speakers=speakers
        )

    async def answer(self, meeting_id: MeetingId, peer: str, sdp: str) -> None:
        """Complete the negotiation that `subscribe` began."""
        await self._worker(meeting_id).request("answer", peer=peer, sdp=sdp)

    async def play(
        self, meeting_id: MeetingId, peer: str, wants: list[dict[str, str]], offer: str
    ) -> dict[str, Any]:
        """Answer a client that offers to receive (WHEP)."""
        return await self._worker(meeting_id).request(
            "play", meeting=meeting_id, peer=peer, wants=wants, offer=offer
        )

    async def pause(self, meeting_id: MeetingId, owner: ParticipantId, source: str, paused: bool) -> None:
        """Enforce a mute, or lift it."""
        await self._tell(meeting_id, "pause", meeting=meeting_id, owner=owner, source=source, paused=paused)

    async def unpublish(self, meeting_id: MeetingId, owner: ParticipantId, source: str) -> None:
        """Forget a track."""
        await self._tell(meeting_id, "unpublish", meeting=meeting_id, owner=owner, source=source)

    async def close_peer(self, meeting_id: MeetingId, peer: str) -> None:
        """Close one connection; harmless if it is closed already."""
        self._peer_listeners.pop(peer, None)
        await self._tell(meeting_id, "close_peer", peer=peer)

    async def close_meeting(self, meeting_id: MeetingId) -> None:
        """Close every connection of a meeting and forget where it was."""
        await self._tell(meeting_id, "close_meeting", meeting=meeting_id)
        self._placed.pop(meeting_id, None)

    async def record(self, meeting_id: MeetingId, recording_id: str, tap_path: str) -> None:
        """Let the meeting's worker send every track to the recorder too."""
        await self._worker(meeting_id).request(
            "record", meeting=meeting_id, recording_id=recording_id, tap_path=tap_path
        )

    async def stop_recording(self, meeting_id: MeetingId, recording_id: str) -> None:
        """Stop what `record` began."""
        await self._tell(meeting_id, "stop_recording", meeting=meeting_id, recording_id=recording_id)

    async def statistics(self, meeting_id: MeetingId) -> dict[str, dict[str, Any]]:
        """The counters of each connection of a meeting, by peer; none of one that no worker carries."""
        if meeting_id not in self._placed:
            return {}
        answer = await self._worker(meeting_id).request("meeting_stats", meeting=meeting_id)
        peers: dict[str, dict[str, Any]] = answer["peers"]
        return peers

    def watch_peer(self, peer: str, listener: Callable[[str, str], None]) -> None:
        """Call `listener(state, reason)` whenever the worker reports on this peer."""
        self._peer_listeners[peer] = listener

    def forget_peer(self, peer: str) -> None:
        """Stop calling the listener of this peer."""
        self._peer_listeners.pop(peer, None)

    def is_placed(self, meeting_id: MeetingId) -> bool:
        """Whether a worker carries this meeting now."""
        return meeting_id in self._placed

    def worker_of(self, meeting_id: MeetingId) -> str | None:
        """The name of the worker that carries this meeting now."""
        return self._placed.get(meeting_id)

    def meetings_of(self, worker: ChildLink) -> list[MeetingId]:
        """The meetings placed on a worker."""
        return [meeting_id for meeting_id, name in self._placed.items() if name == worker.name]

    def _worker(self, meeting_id: MeetingId) -> ChildLink:
        workers = self._control.of_kind("sfu")
        if not workers:
            raise ControlError("media_unavailable", "no media worker is connected")
        for worker in workers:
            if worker.name == self._placed.get(meeting_id):
                return worker
        chosen = min(workers, key=lambda worker: len(self.meetings_of(worker)))
        self._placed[meeting_id] = chosen.name
        for listener in self.on_placed:
            listener(meeting_id)
        return chosen

    async def _tell(self, meeting_id: MeetingId, method: str, **params: Any) -> None:
        # What a dead or unplaced worker would have forgotten anyway needs no error.
        if meeting_id not in self._placed:
            return
        try:
            await self._worker(meeting_id).request(method, **params)
        except (ControlError, TimeoutError) as error:
            log.info("worker did not follow", meeting=meeting_id, method=method, error=str(error))

    async def _report(self, child: ChildLink, name: str, params: Report) -> None:
        if name == "peer_state":
            if listener := self._peer_listeners.get(params["peer"]):
                listener(params["state"], params.get("reason") or "")
        elif (meeting_id := params.get("meeting")) and self._placed.get(meeting_id) == child.name:
            for meeting_listener in self.on_report:
                meeting_listener(name, meeting_id, params)

    async def _gone(self, child: ChildLink) -> None:
        for meeting_id in self.meetings_of(child):
            del self._placed[meeting_id]
            for listener in self.on_lost:
                listener(meeting_id)
