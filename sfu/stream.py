"""One RTP stream of a publication: a microphone, or one of a camera's simulcast encodings."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sfu import rtcp
from sfu.batch import Batch
from sfu.codecs import reader
from sfu.codecs.descriptor import Descriptor
from sfu.drops import DropCounter, DropReason
from sfu.errors import ParseError
from sfu.formats import Format, Payload
from sfu.keyframes import FEEDBACK_SSRC, Asked, KeyframeRequests
from sfu.layers import Limits
from sfu.limits import LogLimiter
from sfu.nack import LOSSY, LossTracker
from sfu.negotiation import AUDIO_LEVEL_URI
from sfu.numbering import Numbering
from sfu.output import Output
from sfu.packet import MediaPacket, align
from sfu.rates import LayerRates
from sfu.redundancy import MOST_DEPTH, unpack
from sfu.rewriter import SequenceRewriter
from sfu.rtp import RtpPacket
from sfu.sink import Sink
from sfu.view import View

_log = logging.getLogger(__name__)

# 4096x4096 is more than any camera or screen we show, and a decoder would allocate whatever a header claims.
MOST_WIDTH = MOST_HEIGHT = 4096
# Each change of the codec costs a keyframe and the receivers a decoder; no sender changes back so soon.
CODEC_HOLDS_S = 0.5


@dataclass(frozen=True, slots=True)
class Clock:
    """The publisher's last sender report: its `ntp` (64 bits) is `rtp_timestamp`. `arrival` is in s."""

    ntp: int
    rtp_timestamp: int
    arrival: float


@dataclass(frozen=True, slots=True)
class Upstream:
    """What the streams of one publishing peer share: its worker's output, and the way back to it.

    `send_rtcp` reaches the publisher; `after_batch` runs an action once the read loop has read what was
    waiting; `rtt_s` is the time to the publisher and back.
    """

    output: Output
    send_rtcp: Callable[[bytes], bool]
    after_batch: Callable[[Callable[[], None]], None]
    rtt_s: Callable[[], float]
    asked: Asked = field(default_factory=Asked)


class Stream:
    """Repairs what arrives of one SSRC, numbers it without gaps, hands it to its sinks in batches.

    `rid` names a simulcast encoding, empty where there is only one. `on_packet` hears of each packet that is
    passed on.
    """

    ssrc: int | None = None
    clock: Clock | None = None
    is_paused = False
    packets = octets = keyframes = 0
    sizes: tuple[tuple[int, int], ...] = ()
    _abandoned = 0
    _changed_at = float("-inf")

    def __init__(
        self,
        name: str,
        rid: str,
        media_format: Format,
        upstream: Upstream,
        on_packet: Callable[[MediaPacket], None],
    ) -> None:
        self.rid = rid
        self.format = media_format
        self.payload = _first_of(media_format)
        self.drops = DropCounter()
        self.rates = LayerRates()
        self._name = f"{name} {rid}".rstrip()
        self._upstream = upstream
        self._on_packet = on_packet
        self._read = self._reader()
        self._level_id = dict(media_format.extensions).get(AUDIO_LEVEL_URI)
        self._keyframes = KeyframeRequests(upstream.send_rtcp, upstream.asked)
        self._sinks: list[Sink] = []
        self._views: dict[Limits, View] = {}
        self._pending: list[MediaPacket] = []
        self._earlier: tuple[MediaPacket, ...] = ()
        self._limiter = LogLimiter(_log)
        self._numbering = Numbering()
        self._numbers = SequenceRewriter()
        self._tracker = LossTracker(self.payload.clock_rate)

    def _reader(self) -> Callable[[RtpPacket], Descriptor] | None:
        return reader(self.payload.codec, dict(self.format.extensions))

    def agree(self, media_format: Format) -> None:
        """The publisher has described its packets anew; which codec it sends they will tell."""
        before, self.format = self.format, media_format
        self._level_id = dict(media_format.extensions).get(AUDIO_LEVEL_URI)
        if before.extensions != media_format.extensions:
            self._read = self._reader()
        if not self.packets:
            self._change_codec(_first_of(media_format))

    # Sinks and views

    def add_sink(self, sink: Sink) -> None:
        """From the next batch on. Idempotent."""
        if sink not in self._sinks:
            self._sinks.append(sink)

    def remove_sink(self, sink: Sink) -> None:
        """From now on it gets nothing."""
        if sink in self._sinks:
            self._sinks.remove(sink)

    def is_wanted(self) -> bool:
        """Whether a sink needs the sender to keep it going."""
        return any(sink.wants(self) for sink in self._sinks)

    def enter(self, limits: Limits) -> View:
        """The view of these layers, for one user more."""
        view = self._views.get(limits)
        if view is None:
            remembers = self.format.kind == "video"
            view = self._views[limits] = View(limits, self._upstream.output, remembers)
        view.users += 1
        return view

    def leave(self, view: View) -> None:
        """One user less; the last one closes the view."""
        view.users -= 1
        if not view.users:
            self._views.pop(view.limits, None)

    def pause(self, paused: bool) -> None:
        """Pass nothing on from this packet on, or again. What waits to be passed on is not."""
        self.is_paused = paused
        self._forget()

    def _forget(self) -> None:
        self._pending.clear()
        self._earlier = ()
        for view in self._views.values():
            view.clear()

    def end(self) -> None:
        """Nothing more comes."""
        self._forget()
        self._sinks.clear()

    # Packets

    def receive(self, packet: RtpPacket, now: float) -> None:
        """A packet of ours by its SSRC, of the media or of the retransmission stream."""
        payload = self.format.payload(packet.payload_type)
        if payload is not None:
            return self._receive_original(packet, payload, now)
        payload = self.format.repaired(packet.payload_type)
        if payload is None:
            return self._drop(DropReason.PAYLOAD_TYPE_UNKNOWN)
        restored = self._restore(packet, payload)
        if restored is None:
            return None
        self._tracker.recovered(restored.sequence_number, now)
        return self._receive_media(restored, now)

    def _receive_original(self, packet: RtpPacket, payload: Payload, now: float) -> None:
        if packet.ssrc != self.ssrc and not self._follow(packet, now):
            return self._drop(DropReason.SSRC_UNKNOWN)
        self._tracker.received(packet.sequence_number, packet.timestamp, now)
        if payload.codec == "RED":
            return self._receive_redundant(packet, now)
        if payload != self.payload:
            if now - self._changed_at < CODEC_HOLDS_S:
                return self._drop(DropReason.RATE_LIMITED)
            self._changed_at = now
            self._change_codec(payload)
        return self._receive_media(packet, now)

    def _receive_redundant(self, packet: RtpPacket, now: float) -> None:
        try:
            packets = unpack(packet)
        except ParseError:
            return self._drop(DropReason.PAYLOAD_MALFORMED)
        *earlier, own = packets
        for lost in earlier:
            if self._tracker.recovered(lost.sequence_number):
                self._receive_media(lost, now)
        return self._receive_media(own, now)

    def _change_codec(self, payload: Payload) -> None:
        """The sender has changed its codec: for the sinks another stream begins."""
        self.flush()
        before, self.payload = self.payload, payload
        self._read = self._reader()
        if self.packets and before.form != payload.form:
            self._restart_sinks()

    def _follow(self, packet: RtpPacket, now: float) -> bool:
        """Take the packet's SSRC for the stream's; False when it has changed a moment ago."""
        if self._numbering.has_begun and not self._begin_anew(packet.sequence_number, now):
            return False
        self.ssrc = packet.ssrc
        self._tracker, self._abandoned = LossTracker(self.payload.clock_rate), 0
        return True

    def _restore(self, packet: RtpPacket, payload: Payload) -> RtpPacket | None:
        """The original packet out of its retransmission (RFC 4588, 4): its number is before the payload."""
        if packet.payload_end - packet.payload_start < 2 or self.ssrc is None:
            # An encoder probes the bandwidth with retransmissions that carry padding alone.
            empty = packet.payload_end == packet.payload_start
            self._drop(DropReason.PADDING_ONLY if empty else DropReason.RTX_MALFORMED)
            return None
        return packet.restored(payload.payload_type, self.ssrc)

    def _receive_media(self, packet: RtpPacket, now: float) -> None:
        sequence = self._place(packet.sequence_number, now)
        if sequence is None:
            return self._drop(DropReason.DUPLICATE)
        reason, descriptor = self._refuse(packet), None
        if reason is None and self._read is not None:
            descriptor, reason = self._describe(packet)
        if reason is None:
            one = MediaPacket(packet, self._numbers.rewrite(sequence), descriptor, now)
            if self._level_id is not None and (level := packet.extension(self._level_id)):
                one.level = level[0]
            return self._pass_on(one)
        self._numbers.drop(sequence)
        return self._drop(reason)

    def _describe(self, packet: RtpPacket) -> tuple[Descriptor | None, DropReason | None]:
        assert self._read is not None
        try:
            descriptor = self._read(packet)
        except ParseError:
            return None, DropReason.PAYLOAD_MALFORMED
        if descriptor.width > MOST_WIDTH or descriptor.height > MOST_HEIGHT:
            return None, DropReason.FRAME_TOO_LARGE
        return descriptor, None

    def _place(self, sequence_number: int, now: float) -> int | None:
        """The packet's number without wrapping; None when it was given out already or is too old."""
        numbering = self._numbering
        sequence = numbering.place(sequence_number)
        if (
            sequence is None
            and numbering.is_new_beginning(sequence_number)
            and self._begin_anew(sequence_number, now)
        ):
            return numbering.place(sequence_number)
        return sequence

    def _begin_anew(self, sequence_number: int, now: float) -> bool:
        """The encoder started over, from this number on. False when it did a moment ago."""
        if not self._numbering.begin_anew(sequence_number, now):
            return False
        self.flush()
        self.clock = None
        self._restart_sinks()
        return True

    def _restart_sinks(self) -> None:
        for sink in tuple(self._sinks):
            sink.restarted(self)

    def announce(self, ssrc: int) -> None:
        """The description names the SSRC; feedback can be sent before the first packet."""
        if self.ssrc is None:
            self.ssrc = ssrc

    def _refuse(self, packet: RtpPacket) -> DropReason | None:
        if self.is_paused:
            return DropReason.PAUSED
        if packet.payload_start == packet.payload_end:
            return DropReason.PADDING_ONLY
        return None

    def _pass_on(self, packet: MediaPacket) -> None:
        if not self._pending:
            self._upstream.after_batch(self.flush)
        self._pending.append(packet)
        self.packets += 1
        octets = len(packet.payload)
        self.octets += octets
        self.rates.count(octets, packet.descriptor, packet.arrival)
        if packet.keyframe:
            self._keyframe_came(packet)
        self._on_packet(packet)

    def _keyframe_came(self, packet: MediaPacket) -> None:
        assert packet.descriptor is not None
        self.keyframes += 1
        self.sizes = packet.descriptor.sizes or self.sizes
        self._keyframes.came()

    def flush(self) -> None:
        """Hand what was received to the sinks, then ask the publisher for what is missing."""
        packets, self._pending = self._pending, []
        if not packets:
            return
        if self.format.kind == "video":
            align(packets)
        batch = Batch(self, packets, self._earlier)
        for sink in tuple(self._sinks):
            try:
                sink.forward(batch)
            except Exception:
                self._drop(DropReason.HANDLER_FAILED)
                self._limiter.exception("Stream(%s) x a sink failed", self._name)
        for packet in packets:
            # The history would hold each packet twice.
            packet.original = None
        if self.format.kind == "audio":
            self._earlier = (*self._earlier, *packets)[-MOST_DEPTH:]
        self.repair(packets[-1].arrival)

    def _drop(self, reason: DropReason) -> None:
        self.drops.count(reason)
        self._upstream.output.drops.count(reason)

    # Feedback to the publisher

    def repair(self, now: float) -> None:
        """Ask for the packets that are missing, as far as it is their time."""
        if not self.format.nack or self.ssrc is None or self.is_paused:
            return
        missing = self._tracker.due(now, self._upstream.rtt_s())
        if missing:
            self._upstream.asked.nacks += 1
            request = rtcp.Nack(FEEDBACK_SSRC, self.ssrc, tuple(missing)).to_bytes()
            for _ in range(2 if self._tracker.fraction_lost >= LOSSY else 1):
                self._upstream.send_rtcp(request)
        if self._tracker.abandoned > self._abandoned:
            self._abandoned = self._tracker.abandoned
            self.request_keyframe(now)

    def request_keyframe(self, now: float) -> None:
        """A sink needs a keyframe; requests within the interval are one."""
        if self.format.kind != "video":
            return
        if not self._keyframes.request(None if self.is_paused else self.ssrc, now):
            self._drop(DropReason.KEYFRAME_REQUEST_MERGED)

    def tick(self, now: float) -> None:
        """What is due by the clock: several times a second."""
        self.repair(now)
        self.rates.measure(now)
        if not self.is_paused:
            self._keyframes.repeat(self.ssrc, now)

    def sender_report(self, report: rtcp.SenderReport, now: float) -> None:
        """The publisher says how its clocks relate."""
        self.clock = Clock(report.ntp, report.rtp_timestamp, now)
        self._tracker.sender_report(report.ntp, now)
        for sink in tuple(self._sinks):
            sink.reported(self)

    def report_block(self, now: float) -> rtcp.ReportBlock | None:
        """What we tell the publisher of its reception, once a second."""
        return self._tracker.report_block(self.ssrc, now) if self.ssrc is not None else None

    @property
    def jitter_s(self) -> float:
        """How unsteadily it arrives (RFC 3550, A.8)."""
        return self._tracker.jitter / self.payload.clock_rate

    @property
    def keyframe_requests(self) -> int:
        """How often the sender was asked."""
        return self._keyframes.sent

    def counts(self) -> tuple[int, int, int, int]:
        """Packets expected, received at first, given up for lost; octets."""
        tracker = self._tracker
        return tracker.expected_count, tracker.received_count, tracker.abandoned, self.octets

    def stats(self) -> dict[str, Any]:
        """For people: plain JSON."""
        width, height = self.sizes[-1] if self.sizes else (0, 0)
        return {
            "rid": self.rid,
            "codec": self.payload.codec,
            "packets": self.packets,
            "octets": self.octets,
            "sinks": len(self._sinks),
            "keyframes": self.keyframes,
            "keyframe_requests": self.keyframe_requests,
            "width": width,
            "height": height,
            "jitter_s": self.jitter_s,
            "abandoned": self._tracker.abandoned,
            "drops": self.drops.as_dict(),
        }


def _first_of(media_format: Format) -> Payload:
    """The preferred codec; redundant audio comes out as what it repeats."""
    return next(one for one in media_format.payloads if one.codec != "RED")
