"""A track as it arrives at this node."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sfu import rtcp
from sfu.burst import Burst, MediaPacket, Output, align
from sfu.codecs import vp8
from sfu.drops import DropCounter, DropReason
from sfu.errors import ParseError
from sfu.history import History
from sfu.limits import LogLimiter
from sfu.nack import LossTracker
from sfu.rewriter import WINDOW, SequenceRewriter
from sfu.rtp import RtpPacket, SequenceUnwrapper
from sfu.sink import Sink

_log = logging.getLogger(__name__)

# Browsers rarely send a keyframe unasked, so a newcomer sees nothing until we ask.
# One request serves everybody who joins within the interval.
KEYFRAME_REQUEST_INTERVAL_S = 0.5
# An encoder starts over when a device is changed, which is done by hand.
BEGIN_ANEW_INTERVAL_S = 1.0
# 4096x4096 is more than any camera or screen we show, and a decoder would allocate whatever a header claims.
MOST_WIDTH = MOST_HEIGHT = 4096
# Of what we send without being a media source (RFC 4585, 6.1, "SSRC of packet sender").
FEEDBACK_SSRC = 1
# Nobody tells us the way to the publisher and back. Asking again after 100 ms suits most.
_RTT_S = 0.1
# What we let a publisher's estimate rise to (REMB): speech needs no limit of ours, 720p at 30 fps is good at
# 2.5 Mbit/s, a screen's fine text in motion wants 4.
BITRATE_LIMITS_BPS = {
    "microphone": 128_000,
    "screen_audio": 256_000,
    "camera": 2_500_000,
    "screen": 4_000_000,
}


@dataclass(frozen=True, slots=True)
class Format:
    """What the publisher's description says of a track's packets."""

    kind: str
    codec: str
    clock_rate: int
    payload_type: int
    rtx_payload_type: int | None
    nack: bool


@dataclass(frozen=True, slots=True)
class Clock:
    """The publisher's last sender report: its `ntp` (64 bits) is `rtp_timestamp`. `arrival` is in s."""

    ntp: int
    rtp_timestamp: int
    arrival: float


class Publication:
    """One (owner, source): repairs what arrives, numbers it without gaps, hands it to the sinks in bursts.

    `send_rtcp` reaches the publisher; `after_batch` runs an action once the read loop has read what was
    waiting.
    """

    ssrc: int | None = None
    clock: Clock | None = None
    is_paused = False
    on_started: Callable[[], None] | None = None
    packets = octets = keyframes = keyframe_requests = 0
    size = (0, 0)
    _keyframe_wanted = False
    _keyframe_asked_at = _begun_at = float("-inf")
    _abandoned = 0
    _shift = 0
    _unexpected: int | None = None

    def __init__(
        self,
        owner: str,
        source: str,
        media_format: Format,
        output: Output,
        send_rtcp: Callable[[bytes], bool],
        after_batch: Callable[[Callable[[], None]], None],
    ) -> None:
        self.owner = owner
        self.source = source
        self.format = media_format
        self.history = History()
        self.drops = DropCounter()
        self._output = output
        self._send_rtcp = send_rtcp
        self._after_batch = after_batch
        self._sinks: list[Sink] = []
        self._pending: list[MediaPacket] = []
        self._limiter = LogLimiter(_log)
        self._unwrapper = SequenceUnwrapper()
        self._rewriter = SequenceRewriter()
        self._tracker = LossTracker(media_format.clock_rate)

    # Sinks

    def add_sink(self, sink: Sink) -> None:
        """From the next burst on. Idempotent."""
        if sink in self._sinks:
            return
        self._sinks.append(sink)
        sink.started(self)
        if self.is_paused:
            sink.paused(True)

    def remove_sink(self, sink: Sink) -> None:
        """From now on it gets nothing."""
        if sink in self._sinks:
            self._sinks.remove(sink)

    def end(self) -> None:
        """The track is gone."""
        self._pending.clear()
        self.history.clear()
        sinks, self._sinks = self._sinks, []
        for sink in sinks:
            sink.ended()

    def pause(self, paused: bool) -> None:
        """Pass nothing on from this packet on, or again. What waits to be passed on is not."""
        if paused == self.is_paused:
            return
        self.is_paused = paused
        self._pending.clear()
        self.history.clear()
        for sink in tuple(self._sinks):
            sink.paused(paused)
        if not paused:
            self.request_keyframe(time.monotonic())

    # Packets

    def receive(self, packet: RtpPacket, now: float) -> None:
        """A packet of ours by its SSRC, of the media or of the retransmission stream."""
        if packet.payload_type == self.format.payload_type:
            if packet.ssrc != self.ssrc and not self._follow(packet, now):
                return self._drop(DropReason.SSRC_UNKNOWN)
            self._tracker.received(packet.sequence_number, packet.timestamp, now)
            return self._receive_media(packet, now)
        if packet.payload_type != self.format.rtx_payload_type:
            return self._drop(DropReason.PAYLOAD_TYPE_UNKNOWN)
        restored = self._restore(packet)
        if restored is None:
            return None
        self._tracker.recovered(restored.sequence_number)
        return self._receive_media(restored, now)

    def _follow(self, packet: RtpPacket, now: float) -> bool:
        """Take the packet's SSRC for the track's; False when it has changed a moment ago."""
        if self._rewriter.highest is not None and not self._begin_anew(packet.sequence_number, now):
            return False
        self.ssrc = packet.ssrc
        self._tracker, self._abandoned = LossTracker(self.format.clock_rate), 0
        return True

    def _restore(self, packet: RtpPacket) -> RtpPacket | None:
        """The original packet out of its retransmission (RFC 4588, 4): its number is before the payload."""
        if packet.payload_end - packet.payload_start < 2 or self.ssrc is None:
            # An encoder probes the bandwidth with retransmissions that carry padding alone.
            empty = packet.payload_end == packet.payload_start
            self._drop(DropReason.PADDING_ONLY if empty else DropReason.RTX_MALFORMED)
            return None
        at = packet.payload_start
        second = packet.marker << 7 | self.format.payload_type
        head = (
            bytes((0x80, second)) + packet.data[at : at + 2] + packet.data[4:8] + self.ssrc.to_bytes(4, "big")
        )
        return RtpPacket.parse(head + packet.data[at + 2 : packet.payload_end])

    def _receive_media(self, packet: RtpPacket, now: float) -> None:
        sequence = self._number(packet.sequence_number, now)
        if sequence is None:
            return self._drop(DropReason.DUPLICATE)
        descriptor = None
        reason = self._refuse(packet)
        if reason is None and self.format.kind == "video":
            descriptor, reason = _describe(packet)
        if reason is not None:
            self._rewriter.drop(sequence)
            return self._drop(reason)
        return self._pass_on(MediaPacket(packet, self._rewriter.rewrite(sequence), descriptor, now))

    def _number(self, sequence_number: int, now: float) -> int | None:
        """The packet's number without wrapping; None when it was given out already or is too old."""
        sequence = self._unwrapper.unwrap(sequence_number) + self._shift
        if self._rewriter.accept(sequence):
            return sequence
        expected, self._unexpected = self._unexpected, (sequence_number + 1) & 0xFFFF
        highest = self._rewriter.highest
        if sequence_number != expected or highest is None or sequence > highest - WINDOW:
            return None
        # Two numbers in a row that are far off (RFC 3550, A.1).
        begun = self._begin_anew(sequence_number, now)
        return highest + 1 if begun and self._rewriter.accept(highest + 1) else None

    def _begin_anew(self, sequence_number: int, now: float) -> bool:
        """The encoder started over with other numbers, from `sequence_number`; ours go on.

        For the sinks another publication begins. False when that was done a moment ago: it costs them
        something.
        """
        highest = self._rewriter.highest
        if highest is None or now - self._begun_at < BEGIN_ANEW_INTERVAL_S:
            return False
        self.flush()
        self._begun_at, self.clock = now, None
        self._unwrapper = SequenceUnwrapper()
        self._shift = highest + 1 - self._unwrapper.unwrap(sequence_number)
        for sink in tuple(self._sinks):
            sink.ended()
            sink.started(self)
        return True

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
            self._after_batch(self.flush)
        self._pending.append(packet)
        self.packets += 1
        self.octets += packet.payload_end
        if packet.keyframe:
            self._keyframe_came(packet)
        if self.packets == 1 and self.on_started is not None:
            self.on_started()

    def _keyframe_came(self, packet: MediaPacket) -> None:
        assert packet.descriptor is not None
        self.keyframes += 1
        self.size = (packet.descriptor.width, packet.descriptor.height)
        self._keyframe_wanted = False

    def flush(self) -> None:
        """Hand what was received to the sinks, then ask the publisher for what is missing."""
        packets, self._pending = self._pending, []
        if not packets:
            return
        if self.format.kind == "video":
            align(packets)
            # No receiver may ask for sound again: none is offered NACK for it.
            for packet in packets:
                self.history.add(packet)
        burst = Burst(packets, self._output)
        for sink in tuple(self._sinks):
            try:
                sink.forward(burst)
            except Exception:
                self._drop(DropReason.HANDLER_FAILED)
                self._limiter.exception("Publication(%s %s) x a sink failed", self.owner, self.source)
        for packet in packets:
            # The history would hold each packet twice.
            packet.original = None
        self.repair(packets[-1].arrival)

    def _drop(self, reason: DropReason) -> None:
        self.drops.count(reason)
        self._output.drops.count(reason)

    # Feedback to the publisher

    def repair(self, now: float) -> None:
        """Ask for the packets that are missing, as far as it is their time."""
        if not self.format.nack or self.ssrc is None or self.is_paused:
            return
        missing = self._tracker.due(now, _RTT_S)
        if missing:
            self._send_rtcp(rtcp.Nack(FEEDBACK_SSRC, self.ssrc, tuple(missing)).to_bytes())
        if self._tracker.abandoned > self._abandoned:
            self._abandoned = self._tracker.abandoned
            self.request_keyframe(now)

    def request_keyframe(self, now: float) -> None:
        """A sink needs a keyframe; requests within the interval are one."""
        if self.format.kind != "video":
            return
        if self._keyframe_wanted or now - self._keyframe_asked_at < KEYFRAME_REQUEST_INTERVAL_S:
            self._drop(DropReason.KEYFRAME_REQUEST_MERGED)
        self._keyframe_wanted = True
        self._ask_for_keyframe(now)

    def _ask_for_keyframe(self, now: float) -> None:
        if self.ssrc is None or self.is_paused or now - self._keyframe_asked_at < KEYFRAME_REQUEST_INTERVAL_S:
            return
        if self._send_rtcp(rtcp.Pli(FEEDBACK_SSRC, self.ssrc).to_bytes()):
            self._keyframe_asked_at = now
            self.keyframe_requests += 1

    def tick(self, now: float) -> None:
        """What is due by the clock: several times a second."""
        self.repair(now)
        if self._keyframe_wanted:
            self._ask_for_keyframe(now)

    def sender_report(self, report: rtcp.SenderReport, now: float) -> None:
        """The publisher says how its clocks relate."""
        self.clock = Clock(report.ntp, report.rtp_timestamp, now)
        self._tracker.sender_report(report.ntp, now)
        for sink in tuple(self._sinks):
            sink.reported(self)

    def report_block(self, now: float) -> rtcp.ReportBlock | None:
        """What we tell the publisher of its reception, once a second."""
        return self._tracker.report_block(self.ssrc, now) if self.ssrc is not None else None

    def stats(self) -> dict[str, Any]:
        """For people: plain JSON."""
        return {
            "codec": self.format.codec,
            "packets": self.packets,
            "octets": self.octets,
            "paused": self.is_paused,
            "sinks": len(self._sinks),
            "keyframes": self.keyframes,
            "keyframe_requests": self.keyframe_requests,
            "width": self.size[0],
            "height": self.size[1],
            "jitter_s": self._tracker.jitter / self.format.clock_rate,
            "abandoned": self._tracker.abandoned,
            "drops": self.drops.as_dict(),
        }


def _describe(packet: RtpPacket) -> tuple[vp8.Vp8Descriptor | None, DropReason | None]:
    try:
        descriptor = vp8.parse_descriptor(packet.data, packet.payload_start, packet.payload_end)
    except ParseError:
        return None, DropReason.PAYLOAD_MALFORMED
    if descriptor.width > MOST_WIDTH or descriptor.height > MOST_HEIGHT:
        return None, DropReason.FRAME_TOO_LARGE
    return descriptor, None
