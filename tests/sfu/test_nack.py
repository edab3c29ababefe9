import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu import nack
from sfu.nack import LossTracker

RTT_S = 0.125  # and the steps below: exact in binary, so that "once per" can be counted


def fed(numbers: list[int], *, at: float = 0.0, clock_rate: int = 90_000) -> LossTracker:
    tracker = LossTracker(clock_rate)
    for number in numbers:
        tracker.received(number, 0, at)
    return tracker


@pytest.mark.parametrize(
    ("arrived", "asked"),
    [
        ([1, 2, 3], []),
        ([1, 3], [2]),
        ([1, 5], [2, 3, 4]),
        ([65_534, 1], [65_535, 0]),
        ([1, 4, 3], [2]),
        ([1, 4, 2, 3], []),
        ([3, 2, 1], []),  # what came before the first was never awaited
        ([1, 3, 3, 3], [2]),
        ([1, 1_001], list(range(2, 252))),  # one request is bounded
        ([1, 1_002], []),  # too far to be a loss, and no second packet confirms it
        ([5, 40_000, 6], []),
    ],
)
def test_holes_are_asked_for(arrived: list[int], asked: list[int]) -> None:
    assert fed(arrived).due(0.0, RTT_S) == asked


def test_a_hole_is_asked_for_once_per_round_trip() -> None:
    tracker = fed([1, 3])
    asked_at = [step for step in range(128) if tracker.due(step / 128, RTT_S)]
    assert asked_at == list(range(0, 128, 16))


def test_a_tiny_round_trip_does_not_make_a_flood() -> None:
    tracker = fed([1, 3])
    assert sum(bool(tracker.due(ms / 1_000, 0.0)) for ms in range(100)) == 5


def test_it_gives_up_after_enough_tries() -> None:
    tracker = fed([1, 3])
    tries = sum(bool(tracker.due(step * 0.02, 0.02)) for step in range(40))
    assert (tries, tracker.abandoned) == (nack.MAX_TRIES, 1)


def test_the_last_try_is_given_its_round_trip() -> None:
    tracker = fed([1, 3])
    for step in range(nack.MAX_TRIES):
        assert tracker.due(step / 16, 1 / 16) == [2]
    assert tracker.due((nack.MAX_TRIES - 0.5) / 16, 1 / 16) == []
    assert tracker.received(2, 0, 0.5)
    assert tracker.abandoned == 0


def test_it_gives_up_what_is_too_old() -> None:
    tracker = fed([1, 3])
    assert tracker.due(nack.MAX_AGE_S + 0.01, RTT_S) == []
    assert tracker.abandoned == 1


def test_it_gives_up_what_is_too_far_behind() -> None:
    tracker = fed([1, 3])
    for number in range(4, 4 + nack.MAX_BEHIND):
        tracker.received(number, 0, 0.0)
    assert tracker.due(0.0, RTT_S) == []
    assert tracker.abandoned == 1


def test_nobody_asking_does_not_fill_the_memory() -> None:
    tracker = fed(list(range(0, 60_000, 2)))
    assert tracker.abandoned == 29_999 - nack.MAX_BEHIND


@pytest.mark.parametrize("way", ["received", "recovered"])
def test_a_filled_hole_is_not_asked_for(way: str) -> None:
    tracker = fed([1, 3])
    assert tracker.received(2, 0, 0.0) if way == "received" else tracker.recovered(2)
    assert tracker.due(0.0, RTT_S) == []


def test_a_repair_does_not_hide_the_loss_from_the_sender() -> None:
    tracker = fed([1, 3])
    tracker.recovered(2)
    block = tracker.report_block(7, 0.0)
    assert block is not None
    assert (block.lost, block.fraction_lost) == (1, 85)


def test_second_copies_are_told() -> None:
    tracker = LossTracker(90_000)
    assert tracker.received(10, 0, 0.0)
    assert not tracker.received(10, 0, 0.0)
    assert tracker.received(12, 0, 0.0)
    assert tracker.received(11, 0, 0.0)
    assert not tracker.received(11, 0, 0.0)
    assert not tracker.recovered(11)
    assert not tracker.received(9, 0, 0.0)


def test_nothing_is_reported_before_the_first_packet() -> None:
    tracker = LossTracker(90_000)
    assert tracker.report_block(1, 0.0) is None
    assert tracker.due(0.0, RTT_S) == []
    assert not tracker.recovered(5)


def test_fractions_are_of_the_last_interval() -> None:
    tracker = fed([n for n in range(100) if n % 4 or n == 0])
    first = tracker.report_block(7, 0.0)
    for number in range(100, 150):
        tracker.received(number, 0, 1.0)
    second = tracker.report_block(7, 1.0)
    third = tracker.report_block(7, 1.0)
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.lost, first.fraction_lost) == (24, 24 * 256 // 100)
    assert (second.lost, second.fraction_lost) == (24, 0)
    assert (third.lost, third.fraction_lost, third.highest_sequence) == (24, 0, 149)


def test_duplicates_can_make_the_loss_negative() -> None:
    block = fed([1, 2, 2, 2]).report_block(7, 0.0)
    assert block is not None
    assert (block.lost, block.fraction_lost) == (-2, 0)


def test_highest_sequence_counts_the_wraps() -> None:
    block = fed([65_535, 0, 1]).report_block(7, 0.0)
    assert block is not None
    assert block.highest_sequence == 65_537


def test_a_sender_that_begins_anew_is_followed() -> None:
    tracker = fed([100, 101, 30_000, 30_001, 30_003])
    assert tracker.due(0.0, RTT_S) == [30_002]
    block = tracker.report_block(7, 0.0)
    assert block is not None
    assert (block.lost, block.highest_sequence) == (1, 30_003)


def test_jitter_as_in_the_rfc() -> None:
    tracker = LossTracker(8_000)
    for index, late_ms in enumerate([0, 10, 0, 10]):
        tracker.received(index, index * 160, index * 0.02 + late_ms / 1_000)
    # Three differences of 10 ms = 80 ticks: J += (|D| - J) / 16
    assert tracker.jitter == pytest.approx(80 / 16 * (1 + 15 / 16 + (15 / 16) ** 2))


def test_steady_packets_have_no_jitter_across_the_wrap() -> None:
    tracker = LossTracker(90_000)
    for index in range(100):
        tracker.received(index, (2**32 - 90_000 + index * 3_000) % 2**32, index / 30)
    assert tracker.jitter == pytest.approx(0, abs=1e-3)


def test_a_report_names_the_last_sender_report() -> None:
    tracker = fed([1])
    tracker.sender_report(0x11112222_33334444, 5.0)
    block = tracker.report_block(7, 5.5)
    assert block is not None
    assert (block.last_sr, block.delay_since_last_sr) == (0x22223333, 32_768)


def test_thirty_per_cent_loss_is_repaired() -> None:
    """Each request and each repair is lost with the same chance; half a round trip either way."""
    dice = random.Random(5)
    tracker = LossTracker(90_000)
    arriving: dict[int, list[int]] = {}
    repaired = 0
    for ms in range(10_000):
        if ms % 7 == 0 and dice.random() > 0.3:
            tracker.received(ms // 7 & 0xFFFF, ms * 90, ms / 1_000)
        for number in arriving.pop(ms, []):
            repaired += tracker.recovered(number)
        for number in tracker.due(ms / 1_000, RTT_S):
            if dice.random() > 0.3 and dice.random() > 0.3:
                arriving.setdefault(ms + 125, []).append(number)
    lost = 10_000 // 7 * 0.3
    assert repaired > 0.9 * lost
    assert tracker.abandoned < 0.02 * lost


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 2**32 - 1)), max_size=200), st.floats(0, 2))
def test_any_numbers_in_any_order_are_survived(packets: list[tuple[int, int]], step_s: float) -> None:
    tracker = LossTracker(90_000)
    for index, (number, timestamp) in enumerate(packets):
        tracker.received(number, timestamp, index * step_s)
        asked = tracker.due(index * step_s, RTT_S)
        assert len(asked) == len(set(asked)) <= nack.MAX_REQUESTED
    block = tracker.report_block(1, len(packets) * step_s)
    assert (block is None) == (not packets)
    if block is not None:
        assert len(block.to_bytes()) == 24


def test_it_asks_again_after_as_long_as_an_answer_takes():
    tracker = fed([1, 3])
    assert tracker.due(0.0, RTT_S) == [2]
    assert tracker.recovered(2, 0.05)
    assert tracker.repair_s == 0.05
    tracker.received(5, 0, 1.0)
    assert tracker.due(1.0, RTT_S) == [4]
    assert tracker.due(1.05, RTT_S) == []
    assert tracker.due(1.06, RTT_S) == [4]
    assert tracker.recovered(4, 1.07)
    assert tracker.repair_s == 0.05, "which of two requests was answered nobody knows"


def test_where_much_is_lost_it_asks_three_times_in_a_round_trip():
    tracker = LossTracker(90_000)
    for number in range(0, 128, 2):
        tracker.received(number, 0, 0.0)
        tracker.recovered(number - 1)
    tracker.report_block(7, 0.0)
    tracker.received(128, 0, 0.0)
    asked_at = [step for step in range(128) if tracker.due(step / 128, 12 / 128)]
    assert asked_at == [4 * ask for ask in range(nack.ASKS_WHERE_LOSSY * nack.MAX_TRIES)]


def test_where_it_asks_often_any_answer_to_the_first_round_tells_how_long_one_takes():
    tracker = LossTracker(90_000)
    for number in range(0, 128, 2):
        tracker.received(number, 0, 0.0)
        tracker.recovered(number - 1)
    tracker.report_block(7, 0.0)
    tracker.received(128, 0, 1.0)
    for step in range(4):
        tracker.due(1 + step * 0.03, 0.09)
        if step == 2:
            assert tracker.recovered(127, 1.08)
    assert tracker.repair_s == pytest.approx(0.08)
