"""Numbering: given out once, without gaps of our making, over wraps and changes of source."""

import random

import pytest

from sfu.codecs.vp8 import parse_descriptor
from sfu.packet import MediaPacket
from sfu.rewriter import WINDOW, ReplayWindow, SequenceRewriter, StreamRewriter
from sfu.rtp import RtpPacket
from tests.sfu.packets import audio_packet, video_packet


@pytest.mark.parametrize(
    ("arrived", "dropped", "sent"),
    [
        ([1, 2, 3, 4], [2, 3], [1, 2]),  # dropped numbers are given back
        ([65534, 65535, 65536, 65537], [65535], [65534, 65535, 65536]),
        ([1, 2, 5, 6], [], [1, 2, 5, 6]),  # a loss keeps its hole
        ([1, 2, 5, 6], [5], [1, 2, 5]),
        ([1, 4, 2, 3, 5], [4], [1, 2, 3, 4]),  # late ones keep their places
        ([10, 12, 11, 13], [], [10, 12, 11, 13]),
        ([5, 5, 6, 6, 5], [], [5, 6]),  # what comes twice goes once
    ],
)
def test_sent_numbers_leave_no_gap(arrived: list[int], dropped: list[int], sent: list[int]) -> None:
    window, rewriter = ReplayWindow(), SequenceRewriter()
    result = []
    for number in arrived:
        if window.accept(number):
            if number in dropped:
                rewriter.drop(number)
            else:
                result.append(rewriter.rewrite(number))
    assert result == sent


def test_a_late_packet_that_is_dropped_keeps_its_hole() -> None:
    rewriter = SequenceRewriter()
    assert [rewriter.rewrite(number) for number in (1, 3)] == [1, 3]
    assert not rewriter.drop(2)
    assert rewriter.rewrite(4) == 4


def test_packets_of_one_picture_are_dropped_together() -> None:
    pictures = SequenceRewriter()
    assert pictures.rewrite(1) == 1
    assert [pictures.drop(2), pictures.drop(2), pictures.drop(2)] == [True] * 3
    assert pictures.rewrite(3) == 2


def test_what_comes_too_late_is_refused() -> None:
    window = ReplayWindow()
    assert window.accept(WINDOW)
    assert window.accept(1)
    assert not window.accept(0)
    assert not window.accept(1)


@pytest.mark.parametrize("seed", range(20))
def test_no_number_is_given_out_twice(seed: int) -> None:
    chance = random.Random(seed)
    window, rewriter, given = ReplayWindow(), SequenceRewriter(), set()
    number = 0
    for _ in range(5000):
        number += chance.choice((1, 1, 1, 1, 2, 5))
        late = number - chance.choice((0, 0, 0, 0, 1, 3, 40, 1500))
        if window.accept(late):
            if chance.random() < 0.2:
                rewriter.drop(late)
            else:
                renamed = rewriter.rewrite(late)
                assert renamed not in given
                given.add(renamed)
    assert window._seen.bit_length() <= WINDOW
    assert len(rewriter._drops) <= 2 * WINDOW


def _picture(sequence: int, timestamp: int, picture: int, arrival: float) -> MediaPacket:
    packet = RtpPacket.parse(video_packet(sequence, timestamp, 1, picture, 0, 1, 100))
    descriptor = parse_descriptor(packet.data, packet.payload_start, packet.payload_end)
    return MediaPacket(packet, sequence, descriptor, arrival)


def test_the_first_source_keeps_its_numbers() -> None:
    rewriter = StreamRewriter(90_000)
    rewriter.splice(_picture(70_000, 5, 9, 1.0))
    assert (70_000 + rewriter.sequence_delta) == 70_000 & 0xFFFF
    assert (rewriter.timestamp_delta, rewriter.picture_id_delta, rewriter.tl0picidx_delta) == (0, 0, 0)


def test_another_source_goes_on_from_the_last_packet() -> None:
    rewriter = StreamRewriter(90_000)
    rewriter.splice(_picture(10, 1000, 0x7FFF, 1.0))
    rewriter.sent(_picture(10, 1000, 0x7FFF, 1.0))
    rewriter.splice(_picture(500, 4_000_000_000, 3, 1.5))
    assert 500 + rewriter.sequence_delta == 11
    assert 4_000_000_000 + rewriter.timestamp_delta == 1000 + 45_000
    assert (3 + rewriter.picture_id_delta) & 0x7FFF == 0
    assert (3 + rewriter.tl0picidx_delta) & 0xFF == 0


def test_sound_goes_on_too() -> None:
    rewriter = StreamRewriter(48_000)
    first = MediaPacket(RtpPacket.parse(audio_packet(1, 960, 1)), 1, None, 0.0)
    other = MediaPacket(RtpPacket.parse(audio_packet(9, 7, 1)), 9, None, 0.02)
    rewriter.splice(first)
    rewriter.sent(first)
    rewriter.splice(other)
    assert (9 + rewriter.sequence_delta, 7 + rewriter.timestamp_delta) == (2, 1920)


@pytest.mark.parametrize(
    ("delta", "highest", "asked", "meant"),
    [
        (0, 100, 90, 90),
        (0, 65_536 + 5, 65_530, 65_530),
        (-70_000, 70_010, 5, 70_005),
        (10, 65_530, 4, 65_530),
    ],
)
def test_numbers_on_the_wire_lead_back(delta: int, highest: int, asked: int, meant: int) -> None:
    rewriter = StreamRewriter(90_000)
    rewriter.sequence_delta = delta
    assert rewriter.source_sequence(asked, highest) == meant
