"""What a publisher is told of arrivals: none of the line's jitter, all of a queue."""

import random
from collections.abc import Callable, Iterator

import pytest

from sfu.bwe.steady import HIDDEN_S, SteadyArrivals

FRAME_S = 1 / 30
UNITS_PER_S = 1 << 18


def told(
    delay_s: Callable[[float], float], seconds: float, clock_s: float = 0.0
) -> Iterator[tuple[float, float]]:
    """(when a frame left, how long its way is said to have taken) over a line with this delay.

    The receiver's clock shows `clock_s` more than the sender's.
    """
    arrivals = SteadyArrivals()
    for frame in range(int(seconds / FRAME_S)):
        left = frame * FRAME_S
        came = left + delay_s(left) + clock_s
        send_time = int(left * UNITS_PER_S) & 0xFFFFFF
        yield left, arrivals.arrived(send_time, came) - left - clock_s


def slope(points: list[tuple[float, float]]) -> float:
    """From the first to the last, s per s."""
    return (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])


def spread(ways: list[float]) -> float:
    """Within what nine of ten lie."""
    ordered = sorted(ways)
    return ordered[int(0.95 * len(ways))] - ordered[int(0.05 * len(ways))]


def test_jitter_is_not_told() -> None:
    noise = random.Random(4)
    ways = [way for left, way in told(lambda _: 0.05 + noise.uniform(0, 0.05), 20) if left > 2]
    assert spread(ways) < 0.015


@pytest.mark.parametrize(("growth", "seconds"), [(0.05, 30), (0.2, 8), (1.0, 5), (3.0, 5)])
def test_a_queue_that_grows_is_told_as_fast_as_it_grows(growth: float, seconds: float) -> None:
    points = list(told(lambda left: 0.05 + growth * max(0.0, left - 2), seconds))
    shown = [point for point in points if point[0] > 2.2 + 2 * HIDDEN_S / growth]
    assert slope(shown) == pytest.approx(growth, rel=0.06)
    late_s = 0.05 + growth * (seconds - 2) - points[-1][1]
    # One frame's growth may have been taken for a longer way.
    assert late_s <= HIDDEN_S + growth * FRAME_S + 0.1


def test_on_a_longer_way_no_jitter_is_told_either() -> None:
    noise = random.Random(7)
    points = told(lambda left: (0.05 if left < 3 else 0.25) + noise.uniform(0, 0.05), 6)
    assert spread([way for left, way in points if left > 3]) < 0.015


def test_a_longer_way_is_seen_also_right_after_a_packet_that_was_held_up() -> None:
    noise = random.Random(8)

    def delay_s(left: float) -> float:
        held_up = 0.3 if 2.0 < left < 2.04 else 0.0
        return held_up + (0.05 if left < 3 else 0.25) + noise.uniform(0, 0.05)

    assert spread([way for left, way in told(delay_s, 8) if left > 5.5]) < 0.02


def test_a_shorter_way_is_told_at_once() -> None:
    ways = [way for left, way in told(lambda left: 0.25 if left < 3 else 0.05, 6) if left > 3]
    assert max(ways) == pytest.approx(0.05, abs=0.01)


def test_the_width_of_a_burst_is_told_as_it_came() -> None:
    arrivals = SteadyArrivals()
    arrivals.arrived(0, 10.0)
    # Ten packets that left within 15 ms over 45 ms, after half a second in which the line was slower by 40 ms.
    left = [0.5 + index * 0.0015 for index in range(10)]
    came = [10.54 + index * 0.0045 for index in range(10)]
    told_at = [arrivals.arrived(int(at * UNITS_PER_S), now) for at, now in zip(left, came, strict=True)]
    assert told_at[-1] - told_at[0] == pytest.approx(came[-1] - came[0])


@pytest.mark.parametrize("clock_s", [0.0, 1e6, -3.7], ids=str)
def test_clocks_need_not_agree_and_the_send_time_may_wrap(clock_s: float) -> None:
    noise = random.Random(5)
    ways = [way for left, way in told(lambda _: 0.05 + noise.uniform(0, 0.05), 150, clock_s) if left > 2]
    assert spread(ways) < 0.015


def test_whatever_is_claimed_no_arrival_is_moved_further_than_what_is_hidden() -> None:
    noise = random.Random(6)
    arrivals = SteadyArrivals()
    for turn in range(2000):
        now = turn * 0.01
        moved_s = now - arrivals.arrived(noise.randrange(1 << 24), now)
        assert 0 <= moved_s <= HIDDEN_S + 1e-9
