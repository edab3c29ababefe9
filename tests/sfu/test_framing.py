"""Frames on a stream (RFC 4571): cut wherever it may, whole or not at all."""

import itertools
import random

import pytest

from sfu.errors import ParseError
from sfu.framing import LONGEST_FRAME, MOST_WAITING_BYTES, MOST_WAITING_S, FrameQueue, FrameReader

PACKETS = [b"", b"a", b"bc" * 300, bytes(LONGEST_FRAME), b"d"]
STREAM = b"".join(len(packet).to_bytes(2, "big") + packet for packet in PACKETS)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 601, 1502, len(STREAM)])
def test_frames_come_out_whole_however_the_stream_is_cut(size: int) -> None:
    reader = FrameReader()
    found = [frame for at in range(0, len(STREAM), size) for frame in reader.frames(STREAM[at : at + size])]
    assert found == PACKETS


def test_what_came_before_a_frame_that_is_too_long_is_given_out() -> None:
    frames = FrameReader().frames(b"\x00\x01a" + (LONGEST_FRAME + 1).to_bytes(2, "big"))
    assert next(frames) == b"a"
    with pytest.raises(ParseError):
        next(frames)


def test_random_streams_raise_nothing_else() -> None:
    draw = random.Random(1)
    for _ in range(500):
        reader = FrameReader()
        try:
            for _ in range(5):
                list(reader.frames(draw.randbytes(draw.randrange(3000))))
        except ParseError:
            pass


def drained(queue: FrameQueue, size: int) -> list[bytes]:
    """What a socket that takes `size` bytes at a time lets through, as its reader sees it."""
    reader, found = FrameReader(), []
    while queue:
        data = b"".join(queue.next())[:size]
        queue.written(len(data))
        found += reader.frames(data)
    return found


@pytest.mark.parametrize("size", [1, 5, 700, 100_000])
def test_a_queue_keeps_order_and_frames(size: int) -> None:
    queue = FrameQueue()
    assert all(queue.put(packet, 0.0) for packet in PACKETS)
    assert drained(queue, size) == PACKETS
    assert queue.put(bytes(LONGEST_FRAME), 0.0)


def test_a_queue_takes_so_many_bytes() -> None:
    queue = FrameQueue()
    taken = list(itertools.takewhile(bool, (queue.put(bytes(1198), 0.0) for _ in range(100))))
    assert len(taken) == MOST_WAITING_BYTES // 1200
    queue.written(1200)
    assert queue.put(bytes(1198), 0.0)
    assert not queue.put(bytes(1198), 0.0)


def test_late_frames_are_given_up_but_never_one_that_is_begun() -> None:
    queue = FrameQueue()
    for arrival, packet in ((0.0, b"begun"), (0.0, b"late"), (0.1, b"late, too"), (0.2, b"in time")):
        queue.put(packet, arrival)
    queue.written(3)
    assert queue.give_up_late(0.1 + MOST_WAITING_S + 0.01) == 2
    assert b"".join(queue.next()) == b"egun" + b"\x00\x07in time"
    assert queue.put(bytes(MOST_WAITING_BYTES - 4 - 9 - 2), 1.0)
    assert not queue.put(b"", 1.0)
