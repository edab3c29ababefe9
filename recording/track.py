"""One track of a tap, packet by packet, into its writer: order, depacketize, place in time."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from recording.depacketizer import Frame, OpusDepacketizer, UnfinishedPicture, Vp8Depacketizer
from recording.gaps import Reason
from recording.ordering import Arrival, Hole, OrderingBuffer
from recording.segment import Kind
from recording.timeline import PublisherClock, TrackClock
from recording.writer import PartStore, PictureWriter, SoundWriter, TrackWriter
from sfu.errors import ParseError
from sfu.rtp import RtpPacket

# A track without packets is looked after by the clock, which leaves the tap this long to be read.
IDLE_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Track:
    """What the SFU says of a track when it begins."""

    owner: str
    source: str
    kind: Kind
    clock_rate: int
    payload_type: int


@dataclass(frozen=True, slots=True)
class Interruption:
    """Something is missing here; `at_ns` where the moment is known."""

    reason: Reason
    at_ns: int | None = None


class TrackRecorder:
    """Everything between the tap and the files of one track. Bad packets are counted and become gaps."""

    def __init__(
        self,
        track: Track,
        store: PartStore,
        publisher: PublisherClock,
        to_ms: Callable[[int], int],
        request_keyframe: Callable[[], None],
    ) -> None:
        self.track = track
        self.malformed = 0
        self._to_ms = to_ms
        self._clock = TrackClock(track.clock_rate, publisher)
        self._ordering = OrderingBuffer()
        self._overloaded = False
        # Frames that wait for the first sender report, at most timeline.REPORT_WAIT_NS.
        self._held: deque[Frame | Interruption] = deque()
        self._depacketizer: OpusDepacketizer | Vp8Depacketizer
        self._writer: TrackWriter
        if track.kind == "audio":
            self._depacketizer = OpusDepacketizer()
            self._writer = SoundWriter(track.owner, track.source, store)
        else:
            self._depacketizer = Vp8Depacketizer()
            self._writer = PictureWriter(track.owner, track.source, store, request_keyframe)

    def rtp(self, data: bytes, arrival_ns: int) -> None:
        """A packet as the SFU received it."""
        try:
            packet = RtpPacket.parse(data)
        except ParseError:
            self.malformed += 1
            return
        if packet.payload_type == self.track.payload_type:
            self._clock.observe(packet.timestamp, arrival_ns)
        for item in self._ordering.push(packet, arrival_ns):
            self._take(item, arrival_ns)

    def report(self, ntp: int, rtp_timestamp: int) -> None:
        """A sender report."""
        self._clock.report(ntp, rtp_timestamp)

    def overload(self) -> None:
        """The SFU could not pass on some packets: the coming hole is our doing."""
        self._overloaded = True

    def mute(self, at_ns: int) -> None:
        """The meeting muted the track: what comes next has another numbering and needs a keyframe."""
        self._flush(at_ns)
        self._depacketizer.lose()
        self._queue(Interruption(Reason.MUTED, at_ns), at_ns)

    def tick(self, now_ns: int) -> None:
        """Let go what waited long enough when no packets come."""
        for item in self._ordering.take(now_ns - IDLE_NS):
            self._take(item, now_ns)
        self._release(now_ns)
        self._writer.tick(self._to_ms(now_ns))

    def end(self, at_ms: int) -> None:
        """Write what waits and finish the file."""
        for item in self._ordering.flush():
            self._take(item, 0)
        while self._held:
            self._deliver(self._held.popleft())
        self._writer.end(at_ms)
        self._clock.close()

    def halt(self, reason: Reason, at_ms: int) -> None:
        """Finish the file now; the track goes on and may begin another."""
        self._writer.interrupt(reason)
        self._writer.end(at_ms)

    @property
    def was_refused(self) -> bool:
        """Whether something came, but nothing of it could ever be written."""
        return self.malformed > 0 and not self._writer.has_begun

    def counts(self) -> dict[str, int]:
        """What was not written: for the log."""
        return {"malformed": self.malformed, "late": self._ordering.late, "dropped": self._writer.dropped}

    def _flush(self, now_ns: int) -> None:
        for item in self._ordering.flush():
            self._take(item, now_ns)

    def _take(self, item: Arrival | Hole, now_ns: int) -> None:
        if isinstance(item, Hole):
            self._depacketizer.lose()
            self._queue(Interruption(Reason.OVERLOAD if self._overloaded else Reason.LOSS), now_ns)
            self._overloaded = False
            return
        packet, arrival_ns = item
        if packet.payload_type != self.track.payload_type:
            return
        try:
            frame = self._depacketizer.push(packet, arrival_ns)
        except UnfinishedPicture:
            self._queue(Interruption(Reason.NOT_SENT), now_ns)
            self._take(item, now_ns)
        except ParseError:
            self.malformed += 1
            self._queue(Interruption(Reason.DAMAGED), now_ns)
        else:
            if frame is not None:
                self._queue(frame, now_ns)

    def _queue(self, item: Frame | Interruption, now_ns: int) -> None:
        self._held.append(item)
        self._release(now_ns)

    def _release(self, now_ns: int) -> None:
        while self._held and self._clock.ready(now_ns):
            self._deliver(self._held.popleft())

    def _deliver(self, item: Frame | Interruption) -> None:
        if isinstance(item, Interruption):
            at_ms = 0 if item.at_ns is None else self._to_ms(item.at_ns)
            self._writer.interrupt(item.reason, at_ms)
        else:
            self._writer.write(item, self._to_ms(self._clock.place(item.timestamp, item.arrival_ns)))
