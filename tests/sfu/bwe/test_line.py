"""A line through points of which the oldest are left out, against one that is worked out each time."""

import random
from collections import deque

import pytest

from sfu.bwe.line import Line


def by_definition(points: list[tuple[float, float]]) -> float:
    """The slope of least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


@pytest.mark.parametrize("begin", [0.0, 1e9], ids=str)
def test_the_slope_is_that_of_the_points_that_are_there(begin: float) -> None:
    noise = random.Random(1)
    line, points = Line(), deque[tuple[float, float]]()
    for step in range(1000):
        points.append((begin + 20 * step + noise.uniform(0, 9), 0.1 * step + noise.uniform(-5, 5)))
        line.add(*points[-1])
        if len(points) > 60:
            line.drop(*points.popleft())
        if step > 2:
            assert line.slope == pytest.approx(by_definition(list(points)), abs=1e-6)


def test_without_points_and_without_width_there_is_no_slope() -> None:
    line = Line()
    assert line.slope == 0.0
    line.add(5.0, 1.0)
    line.add(5.0, 3.0)
    assert line.slope == 0.0
    line.add(6.0, 4.0)
    line.clear()
    assert (line.count, line.slope) == (0, 0.0)


def test_what_was_emptied_begins_anew() -> None:
    line = Line()
    line.add(1.0, 1.0)
    line.drop(1.0, 1.0)
    for x in (1e9, 1e9 + 1, 1e9 + 2):
        line.add(x, 3 * x)
    assert line.slope == pytest.approx(3)
