"""The account of holes stays short enough to be sent, and true."""

import pytest

from recording.gaps import MOST_GAPS, Gap, GapList, Reason
from sfu.control import LONGEST_LINE, encode_line


def listed(*holes: tuple[int, int, str]) -> list[tuple[int, int, str, int]]:
    gaps = GapList(Gap.whole(*hole) for hole in holes).in_order()
    return [(gap.start_ms, gap.end_ms, gap.reason, gap.missing_ms) for gap in gaps]


@pytest.mark.parametrize(
    ("holes", "joined"),
    [
        ([(0, 20, "loss"), (1019, 1040, "loss")], [(0, 1040, "loss", 41)]),
        ([(0, 20, "loss"), (1020, 1040, "loss")], [(0, 20, "loss", 20), (1020, 1040, "loss", 20)]),
        ([(0, 20, "loss"), (40, 60, "muted")], [(0, 20, "loss", 20), (40, 60, "muted", 20)]),
        (
            [(0, 20, "loss"), (40, 60, "muted"), (80, 100, "loss")],
            [(0, 100, "loss", 40), (40, 60, "muted", 20)],
        ),
        ([(500, 520, "loss"), (0, 900, "loss")], [(0, 900, "loss", 900)]),
    ],
)
def test_near_holes_of_one_reason_are_one(holes, joined):
    assert listed(*holes) == joined


@pytest.mark.parametrize("every_ms", [130, 1100, 5000])
def test_a_lossy_day_fits_into_one_message(every_ms):
    """Also where a publisher takes care to alternate the reasons."""
    reasons = [Reason.LOSS, Reason.DAMAGED, Reason.NOT_SENT]
    gaps = GapList()
    for number in range(20_000):
        gaps.add(Gap.whole(number * every_ms, number * every_ms + 20, reasons[number % 3]))
    told = gaps.in_order()
    assert len(told) <= MOST_GAPS
    assert sum(gap.missing_ms for gap in told) == 20_000 * 20
    assert len(encode_line({"gaps": [gap.as_dict() for gap in told]})) < LONGEST_LINE // 10
