"""The ordering buffer, by tables: wrap, reorder, loss, doubles, a new numbering."""

import struct

import pytest

from recording.ordering import MAX_JUMP, WAIT_NS, Hole, OrderingBuffer
from sfu.rtp import RtpPacket

STEP_NS = 1_000_000


def packet(number: int) -> RtpPacket:
    return RtpPacket.parse(struct.pack("!BBHII", 0x80, 96, number & 0xFFFF, 0, 1))


def told(items: list) -> list:
    """Sequence numbers, and -1 for a hole."""
    return [-1 if isinstance(item, Hole) else item[0].sequence_number for item in items]


@pytest.mark.parametrize(
    ("arrived", "given"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([1, 3, 2, 4], [1, 2, 3, 4]),
        ([65534, 65535, 0, 1], [65534, 65535, 0, 1]),
        ([65534, 0, 65535, 1], [65534, 65535, 0, 1]),
        ([1, 2, 2, 1, 3], [1, 2, 3]),
        ([1, 4, 4, 3, 2], [1, 2, 3, 4]),
        ([5, 4, 6], [5, 6]),
        ([1, 2, 20000, 20001], [1, 2, -1, 20000, 20001]),
        ([1, 3, 20000], [1, -1, 3, -1, 20000]),
        ([30000, 2, 3], [30000, -1, 2, 3]),
    ],
)
def test_packets_come_out_in_order(arrived, given):
    buffer = OrderingBuffer()
    items = [
        item for index, number in enumerate(arrived) for item in buffer.push(packet(number), index * STEP_NS)
    ]
    assert told(items) == given


def test_a_hole_is_given_up_after_the_wait():
    buffer = OrderingBuffer()
    assert told(buffer.push(packet(1), 0)) == [1]
    assert told(buffer.push(packet(4), STEP_NS)) == []
    assert told(buffer.push(packet(5), STEP_NS + WAIT_NS)) == []
    assert told(buffer.push(packet(6), 2 * STEP_NS + WAIT_NS)) == [-1, 4, 5, 6]
    assert told(buffer.push(packet(2), 3 * STEP_NS + WAIT_NS)) == []
    assert buffer.late == 1


def test_the_clock_gives_a_hole_up_when_nothing_comes():
    buffer = OrderingBuffer()
    buffer.push(packet(1), 0)
    buffer.push(packet(3), 0)
    assert told(buffer.take(WAIT_NS)) == []
    assert told(buffer.take(WAIT_NS + 1)) == [-1, 3]


def test_a_second_hole_has_its_own_wait():
    buffer = OrderingBuffer()
    buffer.push(packet(1), 0)
    buffer.push(packet(3), 0)
    buffer.push(packet(5), WAIT_NS - STEP_NS)
    assert told(buffer.take(WAIT_NS + 1)) == [-1, 3]
    assert told(buffer.take(2 * WAIT_NS - STEP_NS)) == []
    assert told(buffer.push(packet(4), 2 * WAIT_NS - STEP_NS)) == [4, 5]


@pytest.mark.parametrize(("ahead", "waits"), [(MAX_JUMP - 1, True), (MAX_JUMP, False), (-MAX_JUMP, False)])
def test_a_jump_is_another_numbering(ahead, waits):
    buffer = OrderingBuffer()
    buffer.push(packet(9999), 0)
    given = told(buffer.push(packet(10_000 + ahead), 0))
    assert given == ([] if waits else [-1, 10_000 + ahead])


def test_flush_gives_everything_and_forgets_the_numbering():
    buffer = OrderingBuffer()
    buffer.push(packet(1), 0)
    buffer.push(packet(3), 0)
    buffer.push(packet(6), 0)
    assert told(buffer.flush()) == [-1, 3, -1, 6]
    assert told(buffer.push(packet(900), 0)) == [900]
