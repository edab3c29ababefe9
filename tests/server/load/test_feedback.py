"""Transport-wide feedback, read back as the draft says it."""

import random
from struct import unpack_from

import pytest

from server.load.feedback import FeedbackWriter, encode

MS = 1_000_000


def read(message: bytes) -> dict[int, float | None]:
    """Number → ms of arrival since the reference time's zero; None for what is missing."""
    first, kind, words, _, _, base, count, reference = unpack_from("!BBHIIHHI", message)
    assert (first, kind, len(message)) == (0x8F, 205, 4 * words + 4)
    symbols, at = [], 20
    while len(symbols) < count:
        (chunk,) = unpack_from("!H", message, at)
        at += 2
        if chunk & 0x8000:
            wide = bool(chunk & 0x4000)
            places = range(12, -1, -2) if wide else range(13, -1, -1)
            symbols += [chunk >> place & (3 if wide else 1) for place in places]
        else:
            symbols += [chunk >> 13] * (chunk & 0x1FFF)
    assert len(symbols) - count < 14, "more than the last chunk's padding"
    arrivals: dict[int, float | None] = {}
    ticks = (reference >> 8) * 256
    for place, symbol in enumerate(symbols[:count]):
        if symbol:
            ticks += message[at] if symbol == 1 else unpack_from("!h", message, at)[0]
            at += symbol
        arrivals[base + place & 0xFFFF] = ticks / 4 if symbol else None
    assert not any(message[at:])
    assert len(message) - at < 4
    return arrivals


@pytest.mark.parametrize(
    "arrivals",
    [
        [0],
        [0, 1, 2, 3],
        [0, None, None, 70, 71],
        [5, 3, 4],
        [0, 500, 8_000],
        [0, *[None] * 30, 9],
        [*range(100), None, 101],
    ],
)
def test_what_is_told_is_what_came(arrivals: list[int | None]) -> None:
    base = 65_530
    start_ns = 64 * MS * 1000
    message = encode(1, 2, base, [None if at is None else start_ns + at * MS for at in arrivals], 7)
    told = read(message)
    assert list(told) == [base + place & 0xFFFF for place in range(len(arrivals))]
    assert [None if at is None else at - 64_000 for at in told.values()] == arrivals
    assert message[19] == 7


def test_everything_is_told_once_and_holes_are_told() -> None:
    writer, chance = FeedbackWriter(), random.Random(1)
    came: set[int] = set()
    told: dict[int, float | None] = {}
    for number in range(65_000, 67_000):
        if chance.random() < 0.9:
            came.add(number & 0xFFFF)
            writer.arrived(number & 0xFFFF, number * MS)
        if number % 37 == 0:
            for message in writer.flush(1, 2):
                assert len(message) < 1_200
                told |= read(message)
    for message in writer.flush(1, 2):
        told |= read(message)
    assert {number for number, at in told.items() if at is not None} == came
    assert len(told) in range(1_995, 2_001)


def test_a_late_one_is_told_while_it_is_time() -> None:
    writer = FeedbackWriter()
    for number in (1, 3, 2):
        writer.arrived(number, number * MS)
    assert [list(read(message)) for message in writer.flush(1, 2)] == [[1, 2, 3]]
    writer.arrived(2, 9 * MS)
    assert list(writer.flush(1, 2)) == []
