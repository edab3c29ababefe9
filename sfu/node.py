"""One worker's routers and peers, and the requests it serves."""

import asyncio
import contextlib
import itertools
import logging
import resource
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sfu.control import Handler
from sfu.drops import DropCounter
from sfu.dtls import Certificate
from sfu.errors import PeerError, SfuError
from sfu.health import Health, report
from sfu.lag import LoopLag
from sfu.limits import LogLimiter
from sfu.memory import Memory
from sfu.mux import Mux
from sfu.output import Output
from sfu.peer import Peer, Worker
from sfu.publisher import PublishingPeer
from sfu.receiver import ReceivingPeer, Want
from sfu.router import KINDS, Router, TrackKey
from sfu.tap import Tap
from sfu.transport import State

_log = logging.getLogger(__name__)

# The pace of requests for what is missing.
TICK_S = 0.05
# So long the clock works in one go, while packets wait.
SLICE_S = 0.0005
# Each peer has reports once a second (RFC 3550, 6.2, scaled down), in its turn: all at once would hold up packets.
REPORT_TICKS = 20
# A worker carries some hundred participants with two peers each; more are refused, not served badly.
MOST_PEERS = 2000
# How often the connections are judged.
QUALITY_INTERVAL_S = 5.0
# What every browser can decode and most rooms can encode.
DEFAULT_CODECS = ["VP8"]

Notify = Callable[..., None]
_PeerT = TypeVar("_PeerT", bound=Peer)


class Node:
    """A media worker: one UDP port, the meetings on it, and the peers in them.

    `notify(event, **params)` is called for peer_state, track_started, track_silent, track_ended, layers_wanted,
    renegotiate, speakers, quality and tap_lost. Public async methods are the requests of the control link,
    parameters by name; they raise SfuError. `open` before, `close` after.
    """

    def __init__(self, notify: Notify) -> None:
        self._notify_server = notify
        self._drops = DropCounter()
        self._mux = Mux(self._drops)
        self._candidates: tuple[tuple[str, int], ...] = ()
        self._worker = Worker(
            mux=self._mux,
            output=Output(self._drops),
            certificate=Certificate.generateCertificate(),
            candidates=lambda: self._candidates,
            notify=self._notify,
        )
        self._routers: dict[str, Router] = {}
        self._peers: dict[str, Peer] = {}
        self._taps: dict[tuple[str, str], Tap] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._limiter = LogLimiter(_log)
        self._lag = LoopLag()
        self._memory = Memory()
        self._judged_at = time.monotonic()

    # Lifecycle

    async def open(self, hosts: Sequence[str], port: int = 0, addresses: Sequence[str] = ()) -> None:
        """Bind `hosts` and begin. `addresses` are announced to peers, by default the hosts. Raises OSError."""
        self._mux.open(hosts, port)
        announced = addresses or hosts
        self._candidates = tuple((address, self._mux.number) for address in announced)
        self._ticker = asyncio.get_running_loop().create_task(self._tick(), name="node clock")
        where = ", ".join(hosts), self._mux.number, ", ".join(announced)
        _log.info("Node listens on %s port %d, announced as %s", *where)

    @property
    def port(self) -> int:
        """The UDP port number."""
        return self._mux.number

    async def close(self) -> None:
        """End every peer and tap, then the port. Idempotent."""
        for meeting in list(self._routers):
            await self.close_meeting(meeting)
        await asyncio.gather(*self._closing)
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
            self._ticker = None
        self._mux.close()

    async def _tick(self) -> None:
        due = time.monotonic()
        for turn in itertools.cycle(range(REPORT_TICKS)):
            due += TICK_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            self._lag.add(now - due)
            due = max(due, now - TICK_S)
            await self._tick_peers(turn)
            now = time.monotonic()
            for router in list(self._routers.values()):
                self._tick_router(router, now)
            self._memory.tick(now, len(self._peers))
            if now - self._judged_at >= QUALITY_INTERVAL_S:
                self._judged_at = now
                self._judge(now)

    async def _tick_peers(self, turn: int) -> None:
        """Each in turn, and packets that come meanwhile between them: a hundred peers take longer than a picture."""
        began = now = time.monotonic()
        for peer in list(self._peers.values()):
            if now - began > SLICE_S:
                await asyncio.sleep(0)
                began = now = time.monotonic()
            if self._peers.get(peer.name) is peer:
                self._tick_peer(peer, now, peer.turn % REPORT_TICKS == turn)
                now = time.monotonic()

    def _tick_peer(self, peer: Peer, now: float, reporting: bool) -> None:
        try:
            peer.tick(now)
            if reporting:
                peer.transport.tick(now)
                peer.report(now)
        except Exception:
            self._limiter.exception("Node x clock of peer %s", peer.name)

    def _tick_router(self, router: Router, now: float) -> None:
        try:
            router.tick(now)
        except Exception:
            self._limiter.exception("Node x clock of meeting %s", router.meeting)

    def _judge(self, now: float) -> None:
        """Tell how good the connections of each meeting are."""
        meetings: dict[str, list[Peer]] = {}
        for peer in self._peers.values():
            if peer.owner is not None and peer.transport.state is State.CONNECTED:
                meetings.setdefault(peer.router.meeting, []).append(peer)
        for meeting, peers in meetings.items():
            try:
                self._notify("quality", meeting=meeting, links=_links(peers, now))
            except Exception:
                self._limiter.exception("Node x quality of meeting %s", meeting)

    def _peers_of(self, meeting: str) -> list[Peer]:
        return [peer for peer in self._peers.values() if peer.router.meeting == meeting]

    def _notify(self, event: str, **params: Any) -> None:
        if event == "peer_state" and params["state"] in ("closed", "failed"):
            self._let_go(params["peer"])
        self._notify_server(event, **params)

    def _let_go(self, name: str) -> None:
        """A peer has ended, by our will or not: out of the tables, its tasks awaited."""
        peer = self._peers.pop(name, None)
        if peer is None:
            return
        self._own(peer.transport.wait_closed(), f"close {name}")
        self._drop_if_empty(peer.router)

    def _own(self, ending: Coroutine[Any, Any, None], name: str) -> None:
        """See to the end of something; `close` waits for it."""
        task = asyncio.get_running_loop().create_task(ending, name=name)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _drop_if_empty(self, router: Router) -> None:
        if router.is_empty and not any(peer.router is router for peer in self._peers.values()):
            self._routers.pop(router.meeting, None)

    def requests(self) -> dict[str, Handler]:
        """The table of the control link: method name → handler."""
        handlers = (
            self.publish, self.subscribe, self.answer, self.play, self.pause, self.floor, self.unpublish,
            self.close_peer, self.close_meeting, self.record, self.stop_recording, self.stats,
            self.peer_stats, self.meeting_stats,
        )  # fmt: skip
        return {handler.__name__: handler for handler in handlers}

    # Peers

    def _router(self, meeting: str) -> Router:
        if meeting not in self._routers:
            self._routers[meeting] = Router(meeting, self._notify)
        return self._routers[meeting]

    def _peer(
        self, meeting: str, name: str, kind: type[_PeerT], make: Callable[[Router], _PeerT]
    ) -> tuple[_PeerT, bool]:
        """The peer of that name, and whether it was made now."""
        peer = self._peers.get(name)
        if peer is None:
            if len(self._peers) >= MOST_PEERS:
                raise PeerError("peer_limit", f"this worker serves at most {MOST_PEERS} peers")
            self._peers[name] = made = make(self._router(meeting))
            return made, True
        if not isinstance(peer, kind) or peer.router.meeting != meeting:
            raise PeerError("peer_unknown", f"peer {name} is another one")
        return peer, False

    @contextlib.contextmanager
    def _undone_on_error(self, peer: Peer, new: bool) -> Any:
        """A peer that was made for a request goes when the request is refused; nobody has heard of it."""
        try:
            yield
        except SfuError:
            if new:
                peer.close("refused")
            raise

    async def publish(
        self,
        meeting: str,
        peer: str,
        owner: str,
        offer: str,
        sources: dict[str, str] | None = None,
        codecs: list[str] | None = None,
        hints: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Answer a publisher's offer, first or later. Without `sources` (WHIP) the order tells.

        `codecs` are the meeting's video codecs in order of preference, `hints` "detail" or "motion" by source.
        """
        publisher, new = self._peer(
            meeting, peer, PublishingPeer, lambda router: PublishingPeer(self._worker, router, peer, owner)
        )
        with self._undone_on_error(publisher, new):
            answer, tracks = publisher.negotiate(offer, sources, codecs or DEFAULT_CODECS, hints)
        return {"sdp": answer, "tracks": tracks}

    async def subscribe(
        self,
        meeting: str,
        peer: str,
        wants: list[dict[str, Any]],
        owner: str | None = None,
        speakers: int = 0,
    ) -> dict[str, Any]:
        """Send these tracks and no others, once they are there. With an offer if slots are lacking.

        `speakers` is for how many of the loudest there is a place who are not wanted by name; `owner` is who
        receives, and never among them.
        """
        wanted = [_want(want) for want in wants]
        receiver, new = self._peer(
            meeting, peer, ReceivingPeer, lambda router: ReceivingPeer(self._worker, router, peer, owner)
        )
        with self._undone_on_error(receiver, new):
            offer = receiver.want(wanted, speakers)
        return {"sdp": offer, "slots": receiver.slots(), "speakers": receiver.speaker_mids()}

    async def answer(self, peer: str, sdp: str) -> dict[str, Any]:
        """The receiving peer's answer to the last offer."""
        receiver = self._peers.get(peer)
        if not isinstance(receiver, ReceivingPeer):
            raise PeerError("peer_unknown", f"no receiving peer {peer}")
        receiver.accept(sdp)
        return {}

    async def play(self, meeting: str, peer: str, wants: list[dict[str, Any]], offer: str) -> dict[str, Any]:
        """Answer a player that offers to receive (WHEP)."""
        keys = [_want(want).key for want in wants]
        if peer in self._peers:
            raise PeerError("peer_limit", f"peer {peer} plays already")
        receiver, new = self._peer(
            meeting, peer, ReceivingPeer, lambda router: ReceivingPeer(self._worker, router, peer)
        )
        with self._undone_on_error(receiver, new):
            answer = receiver.play(offer, keys)
        return {"sdp": answer}

    async def pause(self, meeting: str, owner: str, source: str, paused: bool) -> dict[str, Any]:
        """Enforce a mute from the next packet on, whether the track is there yet or not; or end it."""
        key = _want({"owner": owner, "source": source}).key
        if paused or meeting in self._routers:
            router = self._router(meeting)
            router.pause(key, paused, time.monotonic())
            self._drop_if_empty(router)
        return {}

    async def floor(self, meeting: str, owners: list[str]) -> dict[str, Any]:
        """Who has the floor is heard by all, whoever else speaks."""
        self._router(meeting).audience.hold_floor(owners, time.monotonic())
        return {}

    async def unpublish(self, meeting: str, owner: str, source: str) -> dict[str, Any]:
        """End a track; its peer lives on."""
        for peer in self._peers.values():
            if isinstance(peer, PublishingPeer) and (peer.router.meeting, peer.owner) == (meeting, owner):
                peer.unpublish(source)
        return {}

    async def close_peer(self, peer: str) -> dict[str, Any]:
        """End a peer. One that is gone already is no error."""
        found = self._peers.get(peer)
        if found is not None:
            found.close("requested")
        return {}

    async def close_meeting(self, meeting: str) -> dict[str, Any]:
        """End all peers and recordings of a meeting."""
        for peer in self._peers_of(meeting):
            peer.close("meeting_closed")
        for of_meeting, recording_id in list(self._taps):
            if of_meeting == meeting:
                await self.stop_recording(meeting, recording_id)
        self._routers.pop(meeting, None)
        return {}

    # Recording

    async def record(self, meeting: str, recording_id: str, tap_path: str) -> dict[str, Any]:
        """Send a copy of every track of the meeting, now and later, to the recorder; to the next one after a loss."""
        tap = self._taps.get((meeting, recording_id))
        if tap is not None and tap.is_open:
            return {}
        begins = tap is None
        tap = tap or Tap(meeting, recording_id, self._notify, self._drops)
        try:
            tap.open(tap_path)
        except OSError as error:
            raise PeerError("tap_unreachable", f"the recorder is not there: {error}") from None
        if begins:
            self._taps[meeting, recording_id] = tap
            tap.attach(self._router(meeting))
        return {}

    async def stop_recording(self, meeting: str, recording_id: str) -> dict[str, Any]:
        """Take no more packets; the recorder gets what waits, and the goodbye. Idempotent."""
        tap = self._taps.pop((meeting, recording_id), None)
        if tap is not None:
            tap.finish()
            self._own(tap.wait_closed(), f"close tap {recording_id}")
            if meeting in self._routers:
                self._drop_if_empty(self._routers[meeting])
        return {}

    # Statistics

    async def peer_stats(self, peer: str) -> dict[str, Any]:
        """Counters of a peer and each of its tracks or slots."""
        found = self._peers.get(peer)
        if found is None:
            raise PeerError("peer_unknown", f"no peer {peer}")
        return found.stats()

    async def meeting_stats(self, meeting: str) -> dict[str, Any]:
        """Those of every peer of a meeting, by name."""
        return {"peers": {peer.name: peer.stats() for peer in self._peers_of(meeting)}}

    async def stats(self) -> dict[str, Any]:
        """Counters of the whole process."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        tracks = [one for router in self._routers.values() for one in router.publications.values()]
        receivers = [peer for peer in self._peers.values() if isinstance(peer, ReceivingPeer)]
        return {
            "peers": len(self._peers),
            "meetings": len(self._routers),
            "received": self._mux.received,
            "sent": self._worker.output.sent,
            "drops": self._drops.as_dict(),
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "rss_kb": _resident_kb(),
            "tracks": len(tracks),
            "keyframe_requests": self._worker.asked.keyframes,
            "nack_requests": self._worker.asked.nacks,
            "retransmitted": self._worker.output.resent,
            "estimate_bps": [round(peer.downlink.estimator.bitrate_bps) for peer in receivers],
            "loop_lag_s": self._lag.stats(),
            **self._mux.counts(),
        }


def _links(peers: Sequence[Peer], now: float) -> dict[str, Any]:
    """How good the connection of each owner is."""
    directions: dict[str, dict[str, Health]] = {}
    for peer in peers:
        if peer.owner is not None:
            directions.setdefault(peer.owner, {})[peer.direction] = peer.health(now)
    return {owner: report(found.get("up"), found.get("down")) for owner, found in directions.items()}


def _resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def _want(want: dict[str, Any]) -> Want:
    try:
        key = TrackKey(str(want["owner"]), want["source"])
        width, height = int(want.get("width") or 0), int(want.get("height") or 0)
    except (KeyError, TypeError, ValueError):
        raise PeerError("track_unknown", "a track is named by owner and source") from None
    if not isinstance(key.source, str) or key.source not in KINDS:
        raise PeerError("source_unknown", f"no source {key.source!r}")
    return Want(key, width, height)
