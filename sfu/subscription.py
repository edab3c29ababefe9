"""One subscriber's copy of a track."""

import time
from struct import Struct
from typing import Any

from sfu import rtcp
from sfu.burst import Burst, Group, MediaPacket, Output, rewrite_header
from sfu.codecs import vp8
from sfu.drops import DropReason
from sfu.publication import Publication
from sfu.rewriter import StreamRewriter
from sfu.rtp import HEADER_LENGTH
from sfu.transport import Transport

# What is sent again may cost a fifth of what is sent, after a start that lets one lost keyframe through.
RESEND_SHARE = 0.2
RESEND_BURST_BYTES = 100_000
# Before the first receiver report, and the bounds of what a report may claim.
_RTT_S, _LEAST_RTT_S, _MOST_RTT_S = 0.1, 0.02, 1.0
_MOST_RESENT = 2048
_RTX_HEADER = Struct("!BBHIIH").pack


class Subscription:
    """One track of one subscriber: a Sink that rewrites, encrypts and sends, and answers its NACKs.

    It has SSRCs of its own for life. The track behind may change; for the receiver the numbers go on. A video
    starts with a keyframe. Nothing is sent before `activate`: until the receiver knows the SSRCs.
    """

    def __init__(
        self, transport: Transport, output: Output, kind: str, ssrc: int, rtx_ssrc: int | None
    ) -> None:
        self.kind = kind
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.payload_type = 0
        self.rtx_payload_type: int | None = None
        self.packets = self.octets = self.resent = 0
        self.rtt_s = _RTT_S
        self.fraction_lost = 0.0
        self.publication: Publication | None = None
        self._transport = transport
        self._output = output
        self._active = False
        self._spliced = False
        self._first = 0
        self._newest: MediaPacket | None = None
        self._highest = 0
        self._rewriter = StreamRewriter(90_000 if kind == "video" else 48_000)
        self._rtx_sequence = 0
        self._resend_budget = float(RESEND_BURST_BYTES)
        self._resent_at: dict[int, float] = {}
        self._reported: tuple[int, float] | None = None

    def activate(self, payload_type: int, rtx_payload_type: int | None) -> None:
        """The receiver has agreed to the SSRCs, with these payload types. Idempotent."""
        self.payload_type = payload_type
        self.rtx_payload_type = rtx_payload_type if self.rtx_ssrc is not None else None
        if not self._active:
            self._active = True
            self.resume()

    def resume(self) -> None:
        """Sending may begin or go on: a keyframe is needed."""
        self._spliced = False
        if self.publication is not None and self._active and self._transport.tx is not None:
            self.publication.request_keyframe(time.monotonic())

    # Sink

    def started(self, publication: Publication) -> None:
        """Another source fills the place."""
        self.publication = publication
        self._resent_at.clear()
        self.resume()

    def ended(self) -> None:
        """The place is empty."""
        self.publication = None
        self._spliced = False

    def paused(self, paused: bool) -> None:
        """After a pause the stream goes on with a keyframe and without a hole; until then nothing comes."""
        del paused
        self._spliced = False

    def reported(self, publication: Publication) -> None:
        """Our own reports are made from `publication.clock` when they are due."""

    def forward(self, burst: Burst) -> None:
        """Copy, rewrite, encrypt, send."""
        transport = self._transport
        key, path = transport.tx, transport.ice.media_path
        if key is None or path is None or not self._active:
            return self._output.drops.count(DropReason.NOT_CONNECTED, len(burst.packets))
        if not self._spliced or burst.lowest < self._first:
            fitting = self._fit(burst)
            if fitting is None:
                return None
            burst = fitting
        for group in burst.groups(transport.tag_length):
            self._rewrite(group)
            if self._output.send(key, path, group):
                self.packets += group.count
                self.octets += group.octets
                self._resend_budget += group.octets * RESEND_SHARE
        if burst.newest.sequence > self._highest:
            self._highest = burst.newest.sequence
            self._newest = burst.newest
        return None

    def _fit(self, burst: Burst) -> Burst | None:
        """The part of the burst that belongs to what was begun, or begins it."""
        if self._spliced:
            return burst.not_before(self._first)
        part = burst.from_keyframe() if self.kind == "video" else burst
        if part is None:
            self._output.drops.count(DropReason.KEYFRAME_AWAITED, len(burst.packets))
            return None
        first = min(part.packets, key=lambda packet: packet.sequence)
        if self._newest is not None:
            self._rewriter.sent(self._newest)
            self._newest = None
        self._rewriter.splice(first)
        self._first = first.sequence
        self._highest = first.sequence - 1
        self._spliced = True
        return part

    def _rewrite(self, group: Group) -> None:
        view, rewriter, ssrc, payload_type = group.place, self._rewriter, self.ssrc, self.payload_type
        sequence_delta, timestamp_delta = rewriter.sequence_delta, rewriter.timestamp_delta
        view[:] = group.template
        for at, marker, sequence, timestamp in group.headers:
            rewrite_header(
                view,
                at,
                marker | payload_type,
                (sequence + sequence_delta) & 0xFFFF,
                (timestamp + timestamp_delta) & 0xFFFFFFFF,
                ssrc,
            )
        picture_id_delta, tl0picidx_delta = rewriter.picture_id_delta, rewriter.tl0picidx_delta
        if picture_id_delta or tl0picidx_delta:
            for at, descriptor in group.pictures:
                vp8.rewrite(view, at, descriptor, picture_id_delta, tl0picidx_delta)

    # Feedback of the receiver

    def retransmit(self, sequence_numbers: tuple[int, ...], now: float) -> None:
        """Answer a NACK from the history: each number at most once in a round trip, all within the budget."""
        publication = self.publication
        if publication is None or not self._spliced:
            return self._output.drops.count(DropReason.NACK_NOT_IN_HISTORY, len(sequence_numbers))
        for done, sequence_number in enumerate(sequence_numbers):
            sequence = self._rewriter.source_sequence(sequence_number, self._highest)
            reason = self._resend(publication, sequence, now)
            if reason is DropReason.NACK_OVER_BUDGET:
                return self._output.drops.count(reason, len(sequence_numbers) - done)
            if reason is not None:
                self._output.drops.count(reason)
        return None

    def _resend(self, publication: Publication, sequence: int, now: float) -> DropReason | None:
        packet = publication.history.get(sequence) if self._first <= sequence <= self._highest else None
        key, path = self._transport.tx, self._transport.ice.media_path
        if packet is None or key is None or path is None:
            return DropReason.NACK_NOT_IN_HISTORY
        if now - self._resent_at.get(sequence, float("-inf")) < self.rtt_s:
            return DropReason.NACK_REPEATED
        if len(packet.data) > self._resend_budget:
            return DropReason.NACK_OVER_BUDGET
        self._resend_budget = min(self._resend_budget, RESEND_BURST_BYTES) - len(packet.data)
        self._remember_resent(sequence, now)
        copy = self._retransmission(packet) if self.rtx_payload_type is not None else self._copy(packet)
        if self._output.send_one(key, path, copy):
            self.resent += 1
        return None

    def _remember_resent(self, sequence: int, now: float) -> None:
        if len(self._resent_at) >= _MOST_RESENT:
            recent = {key: at for key, at in self._resent_at.items() if now - at < _MOST_RTT_S}
            self._resent_at = recent if len(recent) < _MOST_RESENT else {}
        self._resent_at[sequence] = now

    def _copy(self, packet: MediaPacket) -> bytes:
        """The very bytes that were sent: others with their number would share their key stream."""
        data, rewriter = bytearray(packet.data), self._rewriter
        sequence = (packet.sequence + rewriter.sequence_delta) & 0xFFFF
        timestamp = (packet.timestamp + rewriter.timestamp_delta) & 0xFFFFFFFF
        rewrite_header(data, 1, packet.marker | self.payload_type, sequence, timestamp, self.ssrc)
        if packet.descriptor is not None:
            deltas = rewriter.picture_id_delta, rewriter.tl0picidx_delta
            vp8.rewrite(data, HEADER_LENGTH, packet.descriptor, *deltas)
        return bytes(data)

    def _retransmission(self, packet: MediaPacket) -> bytes:
        """RFC 4588, 4: another stream, the original number before the payload."""
        original = self._copy(packet)
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        assert self.rtx_payload_type is not None
        assert self.rtx_ssrc is not None
        timestamp = int.from_bytes(original[4:8], "big")
        number = int.from_bytes(original[2:4], "big")
        second = packet.marker | self.rtx_payload_type
        head = _RTX_HEADER(0x80, second, self._rtx_sequence, timestamp, self.rtx_ssrc, number)
        return head + original[HEADER_LENGTH : packet.payload_end]

    def keyframe_needed(self, now: float) -> None:
        """The receiver sent PLI or FIR."""
        if self.publication is not None:
            self.publication.request_keyframe(now)

    def received(self, block: rtcp.ReportBlock, now: float) -> None:
        """The receiver's report: loss, and the round trip when it answers our last report."""
        self.fraction_lost = block.fraction_lost / 256
        if self._reported is not None and block.last_sr == self._reported[0]:
            rtt = now - self._reported[1] - block.delay_since_last_sr / 65536
            self.rtt_s = min(max(rtt, _LEAST_RTT_S), _MOST_RTT_S)

    # Reports

    def report(self, now: float, cname: str) -> bytes | None:
        """The sender report that lets the receiver play this in step with the owner's other tracks."""
        publication = self.publication
        if publication is None or publication.clock is None or not self._spliced or not self.packets:
            return None
        clock = publication.clock
        passed = now - clock.arrival
        ntp = clock.ntp + round(passed * 2**32) & 2**64 - 1
        ticks = clock.rtp_timestamp + round(passed * publication.format.clock_rate)
        timestamp = ticks + self._rewriter.timestamp_delta & 0xFFFFFFFF
        self._reported = (ntp >> 16 & 0xFFFFFFFF, now)
        report = rtcp.SenderReport(
            self.ssrc, ntp, timestamp, self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF
        )
        chunk = rtcp.SourceChunk(self.ssrc, ((1, cname),))
        return report.to_bytes() + rtcp.SourceDescription((chunk,)).to_bytes()

    def stats(self) -> dict[str, Any]:
        """For people: plain JSON."""
        return {
            "packets": self.packets,
            "octets": self.octets,
            "resent": self.resent,
            "rtt_s": self.rtt_s,
            "fraction_lost": self.fraction_lost,
        }
