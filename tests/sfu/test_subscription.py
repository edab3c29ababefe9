"""One subscriber's copy: what is sent again, and which packets belong to it at all."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sfu import rtcp
from sfu.layers import ALL
from sfu.resend import RESEND_BURST_BYTES
from sfu.rtp import RtpPacket, timestamp_difference
from tests.sfu.copies import COPY_RTX_SSRC, COPY_SSRC, SSRC, Copy, Source
from tests.sfu.packets import video_packet

NOW = time.monotonic()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def copy(source: Source) -> Iterator[Copy]:
    one = Copy(source)
    yield one
    one.close()


def test_what_is_sent_again_has_a_budget(source: Source, copy: Copy) -> None:
    """[RTCP-03] A receiver that claims to have lost all gets what one lost keyframe needs, and a fifth."""
    source.send(0, now=NOW, picture=0, length=1000)
    for sequence in range(1, 300):
        source.send(sequence, now=NOW, length=1000)
    copy.received()
    copy.subscription.retransmit(tuple(range(300)), NOW)
    again = copy.received()
    assert {packet.ssrc for packet in again} == {COPY_RTX_SSRC}
    assert RESEND_BURST_BYTES * 0.9 < sum(len(packet.data) for packet in again) <= RESEND_BURST_BYTES * 1.1
    assert source.output.drops["nack_over_budget"] == 300 - len(again)
    copy.subscription.retransmit(tuple(range(300)), NOW + 0.5)
    assert copy.received() == []


def test_a_packet_is_sent_again_once_in_a_measured_round_trip(source: Source, copy: Copy) -> None:
    """[RTCP-03] The round trip is what the receiver's report says, within bounds."""
    source.send(0, now=NOW, picture=0)
    source.publication.sender_report(rtcp.SenderReport(SSRC, 100 << 32, 0, 1, 1), NOW)
    assert copy.subscription.report(NOW, "name") is not None
    last_sr = 100 << 16
    copy.subscription.received(rtcp.ReportBlock(COPY_SSRC, 0, 0, 0, 0, last_sr, 65_536 // 4), NOW + 0.75)
    assert copy.subscription.rtt_s == pytest.approx(0.5)
    copy.received()
    for after_s in (0.0, 0.2, 0.4, 0.6):
        copy.subscription.retransmit((0,), NOW + after_s)
    assert len(copy.received()) == 2
    copy.subscription.received(rtcp.ReportBlock(COPY_SSRC, 0, 0, 0, 0, last_sr, 0), NOW + 50)
    assert copy.subscription.rtt_s == 1.0


def test_a_report_of_ours_that_was_lost_does_not_hide_the_round_trip(source: Source, copy: Copy) -> None:
    source.send(0, now=NOW, picture=0)
    source.publication.sender_report(rtcp.SenderReport(SSRC, 100 << 32, 0, 1, 1), NOW)
    for second in range(3):
        assert copy.subscription.report(NOW + second, "name") is not None
    answer = rtcp.ReportBlock(COPY_SSRC, 0, 0, 0, 0, 101 << 16, 65_536)
    assert copy.subscription.received(answer, NOW + 2.6) == pytest.approx(0.6)
    assert copy.subscription.received(replace(answer, last_sr=99 << 16), NOW + 2.6) is None


def test_what_came_before_the_beginning_is_not_sent_later(source: Source, copy: Copy) -> None:
    """Its numbers belong to what the receiver had before, or to nothing."""
    source.send(8, 9, now=NOW)
    source.send(11, now=NOW, picture=0)
    copy.subscription.retransmit((8, 9), NOW)
    assert source.output.drops["nack_not_in_history"] == 2
    source.send(10, 12, now=NOW)
    assert [packet.sequence_number for packet in copy.received()] == [11, 12]


def test_reports_count_payload_without_padding(source: Source, copy: Copy) -> None:
    """RFC 3550, 6.4.1."""
    source.arrives(0, NOW, picture=0, length=950)
    source.arrives(1, NOW, length=1000)
    source.end_batch()
    source.publication.sender_report(rtcp.SenderReport(SSRC, 100 << 32, 0, 1, 1), NOW)
    report = rtcp.parse(copy.subscription.report(NOW, "name") or b"").messages[0]
    assert isinstance(report, rtcp.SenderReport)
    assert (report.packets, report.octets) == (2, 950 - 12 + 1000 - 12)
    assert len({len(packet.data) for packet in copy.received()}) == 1


def test_reports_tell_when_a_picture_was_taken_before_a_switch_and_after_it() -> None:
    """Two encodings of one camera, whose timestamps begin at random (RFC 3550, 5.1 and 6.4.1)."""
    source = Source(rids=("l", "h"))
    with contextlib.closing(Copy(source)) as copy:
        for encoding, offset in ((0, 4_294_960_000), (1, 1_000_000)):
            stream = source.publication.streams[encoding]
            copy.subscription.aim(stream, ALL)
            for frame in range(10 * encoding, 10 * encoding + 5):
                timestamp, taken_s = (offset + 9000 * frame) & 0xFFFFFFFF, frame / 10
                picture = frame - 10 * encoding
                data = video_packet(frame, timestamp, SSRC + encoding, picture, 0, 1, 300)
                stream.receive(RtpPacket.parse(data), NOW + taken_s)
                source.end_batch()
            stream.sender_report(rtcp.SenderReport(SSRC + encoding, 100 << 32, offset, 1, 1), NOW)
            shown = copy.received()[-1].timestamp
            told = copy.subscription.report(NOW + taken_s + 0.05, "name")
            assert told is not None
            report = rtcp.parse(told).messages[0]
            assert isinstance(report, rtcp.SenderReport)
            since_s = (report.ntp - (100 << 32)) / 2**32 - taken_s
            assert timestamp_difference(report.rtp_timestamp, shown) == pytest.approx(since_s * 90_000, abs=2)
