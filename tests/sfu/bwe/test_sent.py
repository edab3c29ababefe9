import pytest

from sfu.bwe.sent import MOST_GROUPS, MOST_LOST, GroupFate, SentLog
from sfu.transport_feedback import TransportFeedback


def feedback(base: int, told: str, reference: int = 0) -> TransportFeedback:
    """`x` arrived, `.` did not; each arrival is 4 ticks after the one before."""
    received = tuple(index for index, symbol in enumerate(told) if symbol == "x")
    return TransportFeedback(1, 2, base & 0xFFFF, len(told), reference, 0, received, (4,) * len(received))


def log_of(first: int, *counts: int) -> SentLog:
    """Groups of so many packets of 100 bytes, a second apart."""
    log = SentLog()
    for second, count in enumerate(counts):
        log.sent(first & 0xFFFF, count, 100.0 * count, float(second))
        first += count
    return log


def brief(fates: list[GroupFate]) -> list[tuple[float, int, int]]:
    return [(fate.sent_at, fate.packets, fate.arrived) for fate in fates]


@pytest.mark.parametrize("first", [0, 100, 65_533])
def test_groups_get_what_became_of_them(first: int) -> None:
    log = log_of(first, 2, 3, 1)
    fates = log.match(feedback(first, "xxx.xx", reference=1))
    assert fates == [
        GroupFate(0.0, 2, 200, 2, 200, 256 + 4, 256 + 8),
        GroupFate(1.0, 3, 300, 2, 200, 256 + 12, 256 + 16),
        GroupFate(2.0, 1, 100, 1, 100, 256 + 20, 256 + 20),
    ]
    assert log.match(feedback(first, "xxx.xx")) == []
    assert log.unknown == 5


@pytest.mark.parametrize(
    ("messages", "expected", "skipped"),
    [
        ([(0, "xx"), (2, "xx")], [(0.0, 2, 2), (1.0, 2, 2)], 0),
        ([(0, "xxx"), (3, "x..x")], [(0.0, 2, 2), (1.0, 1, 1), (1.0, 2, 1), (2.0, 2, 1)], 0),
        ([(3, "xx")], [(1.0, 2, 2)], 300),
        ([(5, "x")], [(2.0, 1, 1)], 500),
        ([(6, "xxxx")], [(2.0, 1, 1)], 600),  # three were not sent
        ([(7, "xx")], [], 0),
        ([(30_000, "xx")], [], 0),
        ([(-20, "x" * 10)], [], 0),
        ([(-20, "." * 21 + "xx")], [(0.0, 2, 1), (1.0, 1, 1)], 0),
    ],
)
def test_messages_cut_groups(
    messages: list[tuple[int, str]], expected: list[tuple[float, int, int]], skipped: int
) -> None:
    log = log_of(0, 2, 3, 2)
    fates = [fate for base, told in messages for fate in log.match(feedback(base, told))]
    assert brief(fates) == expected
    assert log.skipped_octets == skipped


def test_what_was_never_sent_is_counted_and_ignored() -> None:
    log = log_of(0, 2)
    assert SentLog().match(feedback(0, "xx")) == []
    assert log.match(feedback(1000, "x.x")) == []
    assert log.unknown == 2
    assert brief(log.match(feedback(0, "xxxx"))) == [(0.0, 2, 2)]
    assert log.unknown == 4


def test_a_late_packet_is_no_loss() -> None:
    log = log_of(0, 4, 4)
    log.match(feedback(0, "x.x."))
    log.match(feedback(4, "xxxx"))
    log.match(feedback(1, "x"))
    assert (log.recovered, log.unknown) == (1, 0)
    log.match(feedback(1, "x.x"))
    assert (log.recovered, log.unknown) == (2, 1)


def test_the_reference_time_wraps() -> None:
    log = log_of(0, 1, 1)
    (before,) = log.match(feedback(0, "x", reference=0xFFFFFF))
    (after,) = log.match(feedback(1, "x", reference=0))
    assert after.last_tick - before.last_tick == 256


def test_without_feedback_memory_is_bounded() -> None:
    log = SentLog()
    for number in range(3 * MOST_GROUPS):
        log.sent(number & 0xFFFF, 1, 100.0, float(number))
    assert len(log.match(feedback(2 * MOST_GROUPS, "x" * MOST_GROUPS))) == MOST_GROUPS
    for number in range(3 * MOST_LOST):
        log.sent(number & 0xFFFF, 1, 100.0, float(number))
    log.match(TransportFeedback(1, 2, 0, 3 * MOST_LOST, 0, 0, (), ()))
    assert len(log._lost) <= MOST_LOST


def test_what_leaves_together_is_one_group() -> None:
    log = SentLog()
    for number, left_at in enumerate((0.0, 0.002, 0.0049, 0.0051, 0.012, 0.012)):
        log.sent(number, 1, 50.0, left_at)
    fates = log.match(feedback(0, "xx.xxx"))
    assert [(fate.octets, fate.arrived_octets) for fate in fates] == [(150, 100), (50, 50), (100, 100)]
    assert brief(fates) == [(0.0, 3, 2), (0.0051, 1, 1), (0.012, 2, 2)]


def test_awaiting() -> None:
    log = SentLog()
    for tenth in range(31):
        log.sent(tenth, 1, 100.0, tenth / 10)
    assert log.is_awaiting(3.1, 2.0)
    assert not log.is_awaiting(2.0, 2.0)
    assert not log.is_awaiting(9.0, 2.0)  # nothing leaves any more
    log.sent(31, 1, 100.0, 9.0)
    assert not log.is_awaiting(9.0, 2.0)  # nothing left two seconds ago
