"""One subscriber's copy of a track."""

import time
from collections.abc import Callable
from typing import Any

from sfu import rtcp
from sfu.allocation import Rung
from sfu.batch import Batch
from sfu.burst import Burst
from sfu.drops import DropReason
from sfu.layers import ALL, Limits, step
from sfu.link import Link
from sfu.output import Output
from sfu.packet import MediaPacket
from sfu.past import Found, Past, Pasts, find
from sfu.publication import Publication
from sfu.resend import ResendBudget
from sfu.rewriter import StreamRewriter
from sfu.stream import Stream
from sfu.transport import Transport
from sfu.view import View
from sfu.writer import Agreed, CopyWriter

# Before the first receiver report, and the bounds of what a report may claim.
_RTT_S, _LEAST_RTT_S, _MOST_RTT_S = 0.1, 0.02, 1.0
# Of our reports, one a second: the last one may have been lost, or be under way.
_REPORTS_KNOWN = 4
# A report is of a second or less: a few dozen packets.
_LOSS_WEIGHT = 0.3


class Subscription:
    """One track of one subscriber: a Sink that rewrites, encrypts and sends, and answers its NACKs.

    It has SSRCs of its own for life. The track behind may change, and the layers of it; for the receiver the
    numbers go on. A video starts with a keyframe. Nothing is sent before `activate`: until the receiver knows the
    SSRCs. Which stream and layers it gets, `aim` says; what it had goes on until the new can begin.
    """

    def __init__(
        self, transport: Transport, output: Output, link: Link, kind: str, ssrc: int, rtx_ssrc: int | None
    ) -> None:
        self.kind = kind
        self.packets = self.octets = 0
        self.rtt_s = _RTT_S
        self.fraction_lost = 0.0
        self.jitter_s = 0.0
        self.publication: Publication | None = None
        self.resends = ResendBudget()
        self.writer = CopyWriter(link, 90_000 if kind == "video" else 48_000, ssrc, rtx_ssrc)
        self._transport = transport
        self._output = output
        self._link = link
        self._active = False
        self._stream: Stream | None = None
        self._view: View | None = None
        self._aim: tuple[Stream, Limits] | None = None
        self._red: tuple[int, int] | None = None
        self._spliced = False
        self._first = 0
        self._pasts = Pasts()
        # The stream's number from which on the present view holds, until its first packet has come.
        self._turned_at: int | None = None
        self._newest: MediaPacket | None = None
        self._highest = 0
        self._reported: tuple[tuple[int, float], ...] = ()

    def activate(self, agreed: Agreed) -> None:
        """The receiver has agreed to the SSRCs, with these payload types. Idempotent."""
        self.writer.agree(agreed)
        if not self._active:
            self._active = True
            self.resume()

    def resume(self) -> None:
        """Sending may begin or go on: a keyframe is needed."""
        self._part()
        if self._aim is not None:
            self._ask_for_keyframe(self._aim[0])

    def _ask_for_keyframe(self, stream: Stream) -> None:
        if self._active and self._transport.tx is not None:
            stream.request_keyframe(time.monotonic())

    # Sink

    def started(self, publication: Publication) -> None:
        """Another source fills the place: its lowest stream, until somebody aims at another."""
        self.publication = publication
        self._part()
        self.audible(publication.is_audible)

    def ended(self) -> None:
        """The place is empty."""
        self.rest()
        self.publication = None

    def paused(self, paused: bool) -> None:
        """After a pause the stream goes on with a keyframe and without a hole; until then nothing comes."""
        del paused
        self._part()

    def audible(self, audible: bool) -> None:
        """The microphone is let through, or no longer."""
        if audible and self.publication is not None:
            self.aim(self.publication.streams[0], ALL)
        else:
            self.rest()

    def restarted(self, stream: Stream) -> None:
        """The encoder began anew: so does the copy."""
        if stream is self._stream:
            self.resume()

    def reported(self, stream: Stream) -> None:
        """Our own reports are made from the stream's clock when they are due."""

    def wants(self, stream: Stream) -> bool:
        """The stream that is aimed at, and until it has come the present one."""
        return self._aim is not None and stream in (self._aim[0], self._stream)

    # Layers

    @property
    def is_resting(self) -> bool:
        """Whether nothing is to be sent."""
        return self._aim is None

    def is_at(self, rung: Rung) -> bool:
        """Whether that is what is sent now."""
        if not self._spliced or self._view is None or self.publication is None:
            return False
        stream = self.publication.streams[rung.stream]
        return stream is self._stream and self._view.limits == (rung.spatial, rung.temporal)

    def aim(self, stream: Stream, limits: Limits) -> None:
        """From the next possible packet on, these layers of this stream."""
        before, self._aim = self._aim, (stream, limits)
        if before == self._aim:
            return
        if before is not None and before[0] not in (stream, self._stream):
            before[0].remove_sink(self)
        stream.add_sink(self)
        climbs = self._view is not None and limits.spatial > self._view.limits.spatial
        if stream is not self._stream or climbs:
            self._ask_for_keyframe(stream)

    def repeat(self, depth: int) -> None:
        """Carry so many earlier packets in each packet of sound, if the receiver has agreed to that."""
        stream, opus = self._stream, self.writer.payload_type_of("OPUS")
        can = opus is not None and self.writer.payload_type_of("RED") is not None
        red = (depth, opus) if depth and can and opus is not None else None
        if red == self._red or stream is None or stream.payload.codec != "OPUS":
            return
        self._red = red
        self.writer.choose(self._codec(stream))

    def rest(self) -> None:
        """Send nothing until the next `aim`."""
        if self._aim is not None:
            self._aim[0].remove_sink(self)
        if self._stream is not None:
            self._stream.remove_sink(self)
        self._leave_view()
        self._pasts.close()
        self._stream = self._aim = None
        self._part()

    def _part(self) -> None:
        """What comes next does not follow from what was sent."""
        self._spliced, self._turned_at = False, None

    def _enter(self, stream: Stream, limits: Limits) -> View:
        """Take this view from here on."""
        view = stream.enter(limits)
        self._leave_view()
        if self._stream is not None and self._stream is not stream:
            self._stream.remove_sink(self)
        self._stream, self._view = stream, view
        return view

    def _leave_view(self) -> None:
        if self._view is not None and self._stream is not None:
            self._stream.leave(self._view)
        self._view = None

    # Packets

    def forward(self, batch: Batch) -> None:
        """Copy, rewrite, encrypt, send."""
        if self._transport.tx is None or self._transport.ice.media_path is None or not self._active:
            return self._output.drops.count(DropReason.NOT_CONNECTED, len(batch.packets))
        if self._pasts.held:
            self._pasts.take(batch)
        view = self._view
        if self._turned_at is not None and view is not None and batch.stream is self._stream:
            return self._finish_turn(batch.burst(view))
        if not self._spliced or view is None or batch.stream is not self._stream or self._aim is None:
            return self._begin(batch)
        if self._aim[1] != view.limits and self._aim[0] is batch.stream:
            return self._turn(batch, view, self._aim[1])
        burst = self._burst(batch, view)
        return self._send(burst) if burst is not None else None

    def _burst(self, batch: Batch, view: View) -> Burst | None:
        if self._red is None:
            return batch.burst(view)
        return batch.redundant(*self._red, self._output)

    def _send(self, burst: Burst) -> None:
        if burst.lowest < self._first:
            rest = burst.only(lambda packet: packet.sequence >= self._first)
            if rest is None:
                return
            burst = rest
        transport, writer, link, send = self._transport, self.writer, self._link, self._output.send
        path, layout = transport.ice.media_path, writer.layout
        assert path is not None
        for group in burst.groups(layout, transport.tag_length):
            first = link.number
            writer.write(group)
            if send(transport.tx, path, group.place, group.stride, group.slots):
                self.packets += group.count
                self.octets += group.octets
                self.resends.earn(group.octets)
                if layout.is_numbered:
                    link.sent(first, group.count, group.size, time.monotonic())
        if burst.newest.sequence > self._highest:
            self._highest = burst.newest.sequence
            self._newest = burst.newest

    def _begin(self, batch: Batch) -> None:
        """The first packets of what is aimed at, if they can be the first."""
        if self._aim is None or batch.stream is not self._aim[0]:
            return None
        stream, limits = self._aim
        first = self._first_of(batch)
        if first is None or not self.writer.choose(self._codec(stream)):
            reason = DropReason.KEYFRAME_AWAITED if first is None else DropReason.CODEC_UNSUPPORTED
            return self._output.drops.count(reason, len(batch.packets))
        burst, at = self._burst(batch, self._enter(stream, limits)), first.stream_sequence
        part = burst.only(lambda packet: packet.stream_sequence >= at) if burst is not None else None
        self._part()
        return self._splice(part, self.writer.numbers.splice) if part is not None else None

    def _codec(self, stream: Stream) -> str:
        return stream.payload.form if self._red is None else "RED"

    def _first_of(self, batch: Batch) -> MediaPacket | None:
        if self.kind == "audio":
            return min(batch.packets, key=lambda packet: packet.stream_sequence)
        return next((packet for packet in batch.packets if packet.keyframe), None)

    def _turn(self, batch: Batch, view: View, target: Limits) -> None:
        """Go over to other layers of the same stream where a packet allows it."""
        burst, highest = batch.burst(view), batch.stream.rates.highest_temporal
        for packet in batch.packets:
            if packet.descriptor is None or not self._is_new(packet):
                continue
            limits = step(view.limits, target, packet.descriptor, highest)
            if limits != view.limits:
                at = packet.stream_sequence
                past = burst.only(lambda one: one.stream_sequence < at) if burst is not None else None  # noqa: B023
                if past is not None:
                    self._send(past)
                self._pasts.add(Past(batch.stream, view, self.writer.numbers, self._first, self._highest))
                self._view = None
                rest = batch.burst(self._enter(batch.stream, limits))
                self._spliced, self._turned_at = False, at
                return self._finish_turn(rest)
        return self._send(burst) if burst is not None else None

    def _finish_turn(self, burst: Burst | None) -> None:
        """Go on with the new view's first packet after the turn, which may be some pictures away."""
        at = self._turned_at
        assert at is not None
        part = burst.only(lambda packet: packet.stream_sequence >= at) if burst is not None else None
        if part is not None:
            self._splice(part, self.writer.numbers.turn)

    def _is_new(self, packet: MediaPacket) -> bool:
        return self._newest is None or packet.stream_sequence > self._newest.stream_sequence

    def _splice(self, part: Burst, join: Callable[[MediaPacket], None]) -> None:
        """Go on with these packets."""
        if self._newest is not None:
            self.writer.numbers.sent(self._newest)
            self._newest = None
        if self.kind == "audio":
            part = part.marked()
        first = min(part.packets, key=lambda packet: packet.sequence)
        join(first)
        self._first = first.sequence
        self._highest = first.sequence - 1
        self._spliced, self._turned_at = True, None
        self._send(part)

    # Feedback of the receiver

    def retransmit(self, sequence_numbers: tuple[int, ...], now: float) -> None:
        """Answer a NACK from the history: each number at most once in a round trip, all within the budget."""
        for done, sequence_number in enumerate(sequence_numbers):
            reason = self._resend(sequence_number, now)
            if reason is DropReason.NACK_OVER_BUDGET:
                return self._output.drops.count(reason, len(sequence_numbers) - done)
            if reason is not None:
                self._output.drops.count(reason)
        return None

    def _resend(self, sequence_number: int, now: float) -> DropReason | None:
        found = self._present(sequence_number) or self._pasts.find(sequence_number)
        if found is None:
            return DropReason.NACK_NOT_IN_HISTORY
        packet, numbers = found
        refusal = self.resends.refusal(sequence_number, len(packet.payload), now, self.rtt_s)
        if refusal is None:
            for _ in range(self.resends.copies):
                self._send_again(packet, numbers, now)
        return refusal

    def _present(self, sequence_number: int) -> Found | None:
        if not self._spliced or self._view is None:
            return None
        return find(self._view, self.writer.numbers, self._first, self._highest, sequence_number)

    def _send_again(self, packet: MediaPacket, numbers: StreamRewriter, now: float) -> None:
        key, path, first = self._transport.tx, self._transport.ice.media_path, self._link.number
        if key is None or path is None:
            return
        again = self.writer.rtx_payload_type is not None
        data = self.writer.retransmission(packet, numbers) if again else self.writer.copy(packet, numbers)
        if self._output.send_again(key, path, data) and self.writer.layout.is_numbered:
            self._link.sent(first, 1, len(data), now)

    @property
    def can_probe(self) -> bool:
        """Whether there is something that could be sent again."""
        return self._spliced and self._view is not None and self.writer.rtx_payload_type is not None

    def probe(self, octets: int) -> None:
        """Send something of about that size again, to see whether the link bears it."""
        if self.can_probe and self._view is not None:
            packet = self._view.history.like(octets, self._first)
            if packet is not None:
                self._send_again(packet, self.writer.numbers, time.monotonic())

    def keyframe_needed(self, now: float) -> None:
        """The receiver sent PLI or FIR."""
        if self._stream is not None or self._aim is not None:
            stream = self._stream or (self._aim[0] if self._aim else None)
            assert stream is not None
            stream.request_keyframe(now)

    def received(self, block: rtcp.ReportBlock, now: float) -> float | None:
        """The receiver's report: loss, jitter, and the round trip, which is returned, if it names a report of ours."""
        self.fraction_lost = block.fraction_lost / 256
        self.resends.loss += _LOSS_WEIGHT * (self.fraction_lost - self.resends.loss)
        self.jitter_s = block.jitter / self.writer.numbers.clock_rate
        sent_at = next((at for ntp, at in self._reported if ntp == block.last_sr), None)
        if sent_at is None:
            return None
        rtt = now - sent_at - block.delay_since_last_sr / 65536
        self.rtt_s = min(max(rtt, _LEAST_RTT_S), _MOST_RTT_S)
        if self._view is not None:
            self._view.history.reckon_with(self.rtt_s, now)
        return rtt

    # Reports

    def report(self, now: float, cname: str) -> bytes | None:
        """The sender report that lets the receiver play this in step with the owner's other tracks."""
        stream = self._stream
        if stream is None or stream.clock is None or not self._spliced or not self.packets:
            return None
        clock, ssrc = stream.clock, self.writer.ssrc
        passed = now - clock.arrival
        ntp = clock.ntp + round(passed * 2**32) & 2**64 - 1
        ticks = clock.rtp_timestamp + round(passed * stream.payload.clock_rate)
        timestamp = ticks + self.writer.numbers.timestamp_delta & 0xFFFFFFFF
        self._reported = (*self._reported, (ntp >> 16 & 0xFFFFFFFF, now))[-_REPORTS_KNOWN:]
        report = rtcp.SenderReport(ssrc, ntp, timestamp, self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF)
        chunk = rtcp.SourceChunk(ssrc, ((1, cname),))
        return report.to_bytes() + rtcp.SourceDescription((chunk,)).to_bytes()

    def stats(self) -> dict[str, Any]:
        """For people: plain JSON."""
        return {
            "packets": self.packets,
            "octets": self.octets,
            "resent": self.resends.resent,
            "rtt_s": self.rtt_s,
            "jitter_s": self.jitter_s,
            "fraction_lost": self.fraction_lost,
            "rid": self._stream.rid if self._stream is not None else None,
            "layers": list(self._view.limits) if self._view is not None else None,
        }
