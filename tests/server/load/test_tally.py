"""Counting by sequence numbers."""

import pytest

from server.load.tally import Tally, percentile


@pytest.mark.parametrize(
    ("arrived", "received", "lost", "duplicated", "reordered"),
    [
        ([1, 2, 3], 3, 0, 0, 0),
        ([65534, 65535, 0, 1], 4, 0, 0, 0),
        ([1, 4], 2, 2, 0, 0),
        ([65535, 2], 2, 2, 0, 0),
        ([1, 3, 2, 4], 4, 0, 0, 1),
        ([1, 2, 2, 3, 1], 3, 0, 2, 0),
        ([1, 4, 3, 3], 3, 1, 1, 1),
        ([], 0, 0, 0, 0),
    ],
)
def test_each_packet_counts_once(
    arrived: list[int], received: int, lost: int, duplicated: int, reordered: int
) -> None:
    tally = Tally()
    for number in arrived:
        tally.take(number)
    assert (tally.received, tally.lost) == (received, lost)
    assert (tally.duplicated, tally.reordered) == (duplicated, reordered)


def test_a_new_count_goes_on_with_the_stream() -> None:
    tally = Tally()
    for number in (1, 5):
        tally.take(number)
    tally.restart()
    for number in (6, 8, 3):
        tally.take(number)
    assert (tally.received, tally.lost, tally.duplicated) == (2, 1, 1)


def test_numbers_that_never_came_are_not_awaited_for_ever() -> None:
    tally = Tally()
    for number in range(0, 1 << 17, 3):
        tally.take(number & 0xFFFF)
    assert tally.lost == 2 * (tally.received - 1)
    assert len(tally._awaited) < 5_000


@pytest.mark.parametrize(
    ("values", "share", "value"),
    [([], 0.5, 0), ([7], 0.99, 7), ([3, 1, 2], 0.5, 2), (list(range(100)), 0.99, 99), ([1, 2], 1.0, 2)],
)
def test_percentile(values: list[float], share: float, value: float) -> None:
    assert percentile(values, share) == value
