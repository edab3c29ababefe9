"""Presences from the log: a table of what happened at which second, and the intervals that count."""

import pytest

from rooms.attendance import attendance
from rooms.participant import LeaveReason
from rooms.permissions import Role
from tests.rooms.story import Story

WHO = "a"


def tell(steps: list[tuple[int, str]]) -> Story:
    story = Story()
    for second, step in steps:
        story.wait(second - story.now.meeting_ms / 1000)
        meeting = story.meeting
        events = {
            "join": lambda m: m.admit(WHO, "Ông A", Role.CHAIR),
            "cut": lambda m: m.disconnect(WHO),
            "back": lambda m: m.reconnect(WHO),
            "leave": lambda m: m.leave(WHO),
            "lost": lambda m: m.leave(WHO, LeaveReason.LOST),
            "end": lambda m: m.end(WHO, "x"),
        }[step](meeting)
        story.tell("system", events, seconds=0)
    return story


@pytest.mark.parametrize(
    ("steps", "intervals", "interruptions", "total_s"),
    [
        ([(10, "join"), (40, "leave")], [(10, 40, "left")], [], 30),
        ([(10, "join")], [(10, None, None)], [], 0),
        ([(10, "join"), (40, "leave"), (50, "join"), (60, "leave")],
         [(10, 40, "left"), (50, 60, "left")], [], 40),
        # Back within the grace: one presence, one interruption.
        ([(10, "join"), (20, "cut"), (25, "back"), (40, "leave")], [(10, 40, "left")], [(20, 25)], 30),
        # Never back: present until the cut, not until the seat was given up.
        ([(10, "join"), (20, "cut"), (50, "lost")], [(10, 20, "lost")], [(20, None)], 10),
        ([(10, "join"), (20, "cut"), (50, "lost"), (60, "join"), (70, "end")],
         [(10, 20, "lost"), (60, 70, "meeting_ended")], [(20, None)], 20),
        ([(10, "join"), (20, "cut")], [(10, None, None)], [(20, None)], 0),
        ([(10, "join"), (20, "cut"), (25, "back"), (30, "cut"), (31, "back"), (40, "end")],
         [(10, 40, "meeting_ended")], [(20, 25), (30, 31)], 30),
    ],
)  # fmt: skip
def test_intervals(steps, intervals, interruptions, total_s):
    (row,) = attendance(tell(steps).log)
    assert [(_second(i.joined), _second(i.left), i.reason) for i in row.intervals] == intervals
    cuts = [cut for interval in row.intervals for cut in interval.interruptions]
    assert [(_second(cut.lost), _second(cut.back)) for cut in cuts] == interruptions
    assert row.total_ms == total_s * 1000


def _second(moment):
    return moment and moment.meeting_ms / 1000


def test_the_meeting_s_clock_counts_when_the_wall_clock_jumps():
    story = Story()
    story.join(WHO)
    story.now = type(story.now)(story.now.time.replace(hour=0), story.now.meeting_ms + 5000)
    story.tell(WHO, story.meeting.leave(WHO))
    (row,) = attendance(story.log)
    assert row.total_ms == 6000


def test_everybody_is_there_once_in_the_order_of_coming():
    story = Story()
    for who in ("b", "a", "c"):
        story.join(who)
    story.tell("b", story.meeting.leave("b"))
    story.join("b", name="Ông B mới", role=Role.SECRETARY)
    rows = attendance(story.log)
    assert [row.participant_id for row in rows] == ["b", "a", "c"]
    assert (rows[0].name, rows[0].role, len(rows[0].intervals)) == ("Ông B mới", Role.SECRETARY, 2)
