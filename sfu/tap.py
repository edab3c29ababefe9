"""The recorder's copy of a meeting's tracks: a non-blocking stream that loses packets rather than wait.

What goes over it is in `sfu.tapframes`.
"""

import asyncio
import contextlib
import itertools
import logging
import socket
import time
from collections.abc import Callable

from sfu.batch import Batch
from sfu.drops import DropCounter, DropReason
from sfu.errors import ParseError
from sfu.publication import Publication
from sfu.router import Router, TrackKey
from sfu.stream import Clock, Stream
from sfu.tapframes import (
    CloseFrame,
    EndFrame,
    KeyframeFrame,
    LostFrame,
    PausedFrame,
    SenderReportFrame,
    TrackFrame,
    encode_packet,
    take_frames,
)

_log = logging.getLogger(__name__)

# Half a minute of a small meeting: long enough for a recorder that is busy closing files. It bounds packets and
# sender reports; what tells a track's beginning, mute and end passes always, or the rest could not be read.
MOST_WAITING_BYTES = 8 * 1024 * 1024
# After a stop, for what waits to be taken.
DRAIN_S = 5.0
# As recordings have always named it.
_CODEC_NAMES = {"OPUS": "opus"}


class Tap:
    """One recording's stream to the recorder, until `finish`.

    When the recorder goes (tap_lost) the tracks begin anew and wait here for the next one: a second of restart
    must not be a second without record.
    """

    def __init__(
        self, meeting: str, recording_id: str, notify: Callable[..., None], drops: DropCounter
    ) -> None:
        self.meeting = meeting
        self.recording_id = recording_id
        self.drops = drops
        self._notify = notify
        self._numbers = itertools.count(1)
        self._socket: socket.socket | None = None
        self._router: Router | None = None
        self._streams: dict[int, Stream] = {}
        self._finished = False
        self._requests = bytearray()
        self._waiting = bytearray()
        self._drained = asyncio.Event()
        self._drained.set()

    @property
    def is_open(self) -> bool:
        """Whether a recorder takes what is written."""
        return self._socket is not None

    def open(self, path: str) -> None:
        """Connect, and pass on what has waited. Raises OSError."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # A recorder that is too busy to accept refuses (EAGAIN); it must not stop every packet meanwhile.
        connection.setblocking(False)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            raise
        self._socket = connection
        asyncio.get_running_loop().add_reader(connection, self._asked)
        self._begin_drain()

    def attach(self, router: Router) -> None:
        """Begin to take the meeting's tracks."""
        self._router = router
        router.watch(self.sink)

    def sink(self, key: TrackKey) -> "TapTrack":
        """What takes one of the tracks."""
        return TapTrack(self, key)

    def add(self, stream: Stream) -> int:
        """The number of a track that begins."""
        number = next(self._numbers)
        self._streams[number] = stream
        return number

    def remove(self, number: int) -> None:
        """A track has ended."""
        self._streams.pop(number, None)

    def has_room(self, length: int) -> bool:
        """Whether so many bytes may be written now."""
        return len(self._waiting) + length <= MOST_WAITING_BYTES

    def write(self, data: bytes) -> None:
        """Keep until the recorder takes it. What comes often must ask `has_room` first; the rest is little."""
        self._waiting += data
        self._begin_drain()

    def _begin_drain(self) -> None:
        # Never from within a track's call: when the recorder is gone, the tables its caller walks change.
        if self._waiting and self._socket is not None and self._drained.is_set():
            self._drained.clear()
            asyncio.get_running_loop().call_soon(self._drain)

    def _asked(self) -> None:
        """The recorder asks for keyframes, or has hung up."""
        assert self._socket is not None
        try:
            received = self._socket.recv(4096)
            if received:
                self._ask_for_keyframes(received)
            else:
                self._hung_up()
        except BlockingIOError:
            return
        except (OSError, ParseError) as error:
            self._lost(str(error))

    def _ask_for_keyframes(self, received: bytes) -> None:
        self._requests += received
        for frame in take_frames(self._requests):
            if isinstance(frame, KeyframeFrame) and (stream := self._streams.get(frame.track)):
                stream.request_keyframe(time.monotonic())

    def _hung_up(self) -> None:
        if self._finished:
            self._hang_up()
        else:
            self._lost("the recorder hung up")

    def _drain(self) -> None:
        connection = self._socket
        if connection is None:
            return None
        try:
            sent = connection.send(self._waiting)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            return self._lost(str(error))
        del self._waiting[:sent]
        return self._await_room(connection)

    def _await_room(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        if self._waiting:
            loop.add_writer(connection, self._drain)
        else:
            loop.remove_writer(connection)
            self._drained.set()

    def _lost(self, reason: str) -> None:
        _log.warning("Tap(%s) x %s", self.recording_id, reason)
        self._hang_up()
        router = self._router
        if router is not None:
            router.unwatch(self.sink)
            # What the lost recorder did not take is of no use to the next one without its beginning.
            self._waiting.clear()
            router.watch(self.sink)
            for stream in self._streams.values():
                stream.request_keyframe(time.monotonic())
        self._notify("tap_lost", meeting=self.meeting, recording_id=self.recording_id, reason=reason)

    def _hang_up(self) -> None:
        """Let go of the socket. Idempotent."""
        connection, self._socket = self._socket, None
        if connection is not None:
            asyncio.get_running_loop().remove_writer(connection)
            asyncio.get_running_loop().remove_reader(connection)
            connection.close()
        self._requests.clear()
        self._drained.set()

    def finish(self) -> None:
        """End the tracks and say goodbye. Idempotent."""
        self._finished = True
        router, self._router = self._router, None
        if router is not None:
            router.unwatch(self.sink)
            self.write(CloseFrame(self.recording_id).encode())

    async def wait_closed(self) -> None:
        """After `finish`: wait a moment for the recorder to take everything, then hang up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._drained.wait()
        self._hang_up()
        self._waiting.clear()


class TapTrack:
    """A Sink: one (owner, source) for the recorder, its largest stream. Each stream it takes is a track of its own."""

    def __init__(self, tap: Tap, key: TrackKey) -> None:
        self._tap = tap
        self._key = key
        self._publication: Publication | None = None
        self._stream: Stream | None = None
        self._track: int | None = None
        self._not_sent = 0

    def started(self, publication: Publication) -> None:
        """Take its largest stream, and hear of the others: the sender may be unable to go on with it."""
        self._publication = publication
        for stream in publication.streams:
            stream.add_sink(self)
        self._take(publication.streams[-1])

    def _take(self, stream: Stream) -> None:
        """Introduce a track."""
        self._leave()
        self._stream = stream
        self._track = self._tap.add(stream)
        frame = TrackFrame(
            track=self._track,
            meeting=self._tap.meeting,
            recording_id=self._tap.recording_id,
            owner=self._key.owner,
            source=self._key.source,
            kind=stream.format.kind,
            codec=_CODEC_NAMES.get(stream.payload.codec, stream.payload.codec),
            clock_rate=stream.payload.clock_rate,
            payload_type=stream.payload.payload_type,
            sender_report=_describe(stream.clock) if stream.clock else None,
        )
        self._tap.write(frame.encode())

    def _leave(self) -> None:
        """The track's last frame."""
        if self._track is not None:
            self._tell_lost()
            self._tap.write(EndFrame(self._track).encode())
            self._tap.remove(self._track)
            self._track = None

    def forward(self, batch: Batch) -> None:
        """All packets or, when the recorder does not keep up, none of them."""
        if batch.stream is not self._stream and not self._goes_over(batch):
            return
        if self._track is None:
            return
        track = self._track
        frames = [
            encode_packet(track, int(one.arrival * 1e9), one.sequence, one.original)
            for one in batch.packets
            if one.original is not None
        ]
        data = b"".join(frames)
        if not self._tap.has_room(len(data)):
            self._not_sent += len(frames)
            self._tap.drops.count(DropReason.TAP_FULL, len(frames))
            return
        self._tell_lost()
        self._tap.write(data)

    def _goes_over(self, batch: Batch) -> bool:
        """Take another stream from its keyframe on: a larger one, or any while nothing comes of the present one."""
        publication, stream = self._publication, batch.stream
        if publication is None or self._stream is None:
            return False
        larger = publication.streams.index(stream) > publication.streams.index(self._stream)
        if not larger and self._stream.rates.is_alive(batch.packets[-1].arrival):
            return False
        if not any(packet.keyframe for packet in batch.packets):
            stream.request_keyframe(batch.packets[-1].arrival)
            return False
        self._take(stream)
        return True

    def _tell_lost(self) -> None:
        if self._not_sent and self._track is not None:
            self._tap.write(LostFrame(self._track, self._not_sent).encode())
            self._not_sent = 0

    def restarted(self, stream: Stream) -> None:
        """What comes now is another track."""
        if stream is self._stream:
            self._take(stream)

    def wants(self, stream: Stream) -> bool:
        """The best there is."""
        return self._publication is not None and stream is self._publication.streams[-1]

    def audible(self, audible: bool) -> None:
        """The record has every voice."""

    def reported(self, stream: Stream) -> None:
        """Pass the publisher's sender report on."""
        clock = stream.clock
        if self._track is not None and clock is not None and stream is self._stream:
            frame = SenderReportFrame(self._track, int(clock.arrival * 1e9), clock.ntp, clock.rtp_timestamp)
            data = frame.encode()
            if self._tap.has_room(len(data)):
                self._tap.write(data)

    def paused(self, paused: bool) -> None:
        """Tell the recorder why nothing comes."""
        if self._track is not None:
            self._tap.write(PausedFrame(self._track, time.monotonic_ns(), paused).encode())

    def ended(self) -> None:
        """The track is gone."""
        self._leave()
        self._publication = self._stream = None


def _describe(clock: Clock) -> dict[str, int]:
    return {"ntp": clock.ntp, "rtp_timestamp": clock.rtp_timestamp, "arrival_ns": int(clock.arrival * 1e9)}
