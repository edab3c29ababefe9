"""The parts of the estimator, each by itself."""

from math import inf

import pytest

from sfu.bwe.loss import LossControl
from sfu.bwe.prober import BOLD, CAREFUL_WANTED, INTERVAL_S, REPENT_S, TIMEOUT_S, Prober
from sfu.bwe.rate import RateControl
from sfu.bwe.sent import GroupFate
from sfu.bwe.throughput import Throughput
from sfu.bwe.trend import DelayTrend, Usage

# The trend


def usage_of(
    growth: float, seconds: float = 2.0, trend: DelayTrend | None = None, start: float = 0.0
) -> Usage:
    """What is said of bursts every 10 ms whose delay grows by `growth` s each second."""
    trend = trend or DelayTrend()
    for index in range(int(seconds * 100)):
        sent = start + index / 100
        trend.add(sent, round((50 + sent + index / 100 * growth) * 4000))
        trend.add(sent + 0.002, round((51 + sent) * 4000))  # the same burst
        if index % 10 == 9:
            trend.update(False, sent)
    return trend.usage


@pytest.mark.parametrize(
    ("growth", "usage"),
    [
        (0.0, Usage.NORMAL),
        (0.0002, Usage.NORMAL),  # the clocks differ
        (0.02, Usage.NORMAL),
        (0.1, Usage.OVERUSE),
        (2.0, Usage.OVERUSE),
        (-0.5, Usage.UNDERUSE),
    ],
)
def test_a_growing_delay_is_overuse(growth: float, usage: Usage) -> None:
    assert usage_of(growth) is usage


@pytest.mark.parametrize(("losing", "usage"), [(True, Usage.OVERUSE), (False, Usage.NORMAL)])
def test_a_full_queue_is_overuse_when_packets_are_lost(losing: bool, usage: Usage) -> None:
    trend = DelayTrend()
    usage_of(0.0, trend=trend)
    for index in range(300):
        trend.add(2 + index / 100, round((52.2 + index / 100) * 4000))
        if index % 10 == 9:
            trend.update(losing, 2 + index / 100)
    assert trend.queue_ms == pytest.approx(200)
    assert trend.usage is usage


def test_after_a_decrease_new_evidence_is_needed() -> None:
    trend = DelayTrend()
    assert usage_of(1.0, trend=trend) is Usage.OVERUSE
    trend.forget()
    trend.add(2.0, round(54.0 * 4000))
    assert trend.update(False, 2.0) is Usage.NORMAL


def test_a_leap_of_the_clock_is_no_queue() -> None:
    trend = DelayTrend()
    usage_of(0.0, trend=trend)
    for index in range(100):
        trend.add(3 + index / 100, round((500 + index / 100) * 4000))
    assert trend.update(False, 4.0) is Usage.NORMAL
    assert trend.queue_ms < 1


# The throughput


def test_throughput_is_what_arrived_by_the_receivers_clock() -> None:
    throughput = Throughput()
    assert throughput.rate_bps is None
    for index in range(20):
        throughput.add(12_500, 400 * index)
    assert throughput.rate_bps == pytest.approx(1e6)
    throughput.add(12_500, 400 * 1000)  # a silence
    throughput.add(12_500, 400 * 1002)
    assert throughput.rate_bps == pytest.approx(0.5e6)


# The rate


def rate(start: float = 1e6) -> RateControl:
    return RateControl(start, 30_000, 20e6)


def test_the_rate_climbs_no_further_than_proven() -> None:
    control = rate()
    for second in range(100):
        control.update(Usage.NORMAL, 0.0, 500_000, 0.1, float(second))
    assert control.bitrate_bps == 1e6  # more than proven, but it does not decay
    for second in range(100, 300):
        control.update(Usage.NORMAL, 0.0, 1e6, 0.1, float(second))
    assert control.bitrate_bps == pytest.approx(1.51e6)


@pytest.mark.parametrize(
    ("slope", "expected"),
    [
        (1.0, 0.85e6),  # the queue is ours: what came through, less a little
        (0.3, 0.85e6),
        (0.0, 1.275e6),  # perhaps not
    ],
)
def test_a_decrease_is_as_deep_as_the_queue_grows(slope: float, expected: float) -> None:
    control = rate(1.9e6)
    assert control.update(Usage.OVERUSE, slope, 1e6, 0.1, 1.0)
    assert control.bitrate_bps == pytest.approx(expected)


def test_who_sends_little_is_taken_at_its_word_when_overuse_lasts() -> None:
    """A longer way looks like a queue once; a narrower link goes on looking like one."""
    control = rate(5e6)
    assert control.update(Usage.OVERUSE, 1.0, 1e6, 0.1, 1.0)
    assert control.bitrate_bps == pytest.approx(4.25e6)
    assert control.update(Usage.OVERUSE, 1.0, 1e6, 0.1, 1.4)
    assert control.bitrate_bps == pytest.approx(0.85e6)


def test_near_the_capacity_the_rate_climbs_slowly_and_beyond_it_fast() -> None:
    control = rate()
    control.update(Usage.OVERUSE, 1.0, 1e6, 0.1, 0.0)
    control.update(Usage.NORMAL, 0.0, 1e6, 0.1, 1.0)
    control.update(Usage.NORMAL, 0.0, 1e6, 0.1, 2.0)
    slow = control.bitrate_bps - 0.85e6
    assert slow == pytest.approx(48_000 * 2, rel=0.01)
    control.raise_to(2e6)
    control.update(Usage.NORMAL, 0.0, 2e6, 0.1, 3.0)
    assert control.bitrate_bps == pytest.approx(2.16e6)


def test_the_rate_keeps_its_bounds() -> None:
    control = rate()
    control.raise_to(1e9)
    assert control.bitrate_bps == 20e6
    control.raise_to(1e6)
    assert control.bitrate_bps == 20e6
    control.lower_to(1.0)
    assert control.bitrate_bps == 30_000
    control.lower_to(1e6)
    assert control.bitrate_bps == 30_000


# Loss


def lossy(control: LossControl, loss: float, seconds: int, start: float, sent_bps: float = 1e6) -> float:
    """So many seconds of 100 packets; returns the least bound."""
    least = inf
    for tenth in range(seconds * 10):
        now = start + tenth / 10
        control.add(10, round(10 * loss))
        control.update(sent_bps * (1 - loss), sent_bps, True, 0.1, now)
        least = min(least, control.bound_bps)
    return least


def test_loss_that_stays_whatever_we_send_is_the_links_own() -> None:
    control = LossControl()
    assert lossy(control, 0.1, 5, 0.0) >= 0.85e6
    assert lossy(control, 0.1, 5, 5.0) > 10e6
    assert control.inherent == pytest.approx(0.1, abs=0.02)
    lossy(control, 0.0, 10, 10.0)
    assert control.inherent < 0.01 > control.loss


def test_loss_that_goes_away_was_ours() -> None:
    control = LossControl()
    lossy(control, 0.2, 1, 0.0)
    assert control.trying
    assert control.bound_bps == pytest.approx(0.76e6)
    lossy(control, 0.0, 2, 1.0)
    assert not control.trying
    assert 0.76e6 <= control.bound_bps < 0.9e6
    control.raise_to(2e6)
    assert control.bound_bps == inf


def test_great_loss_asks_for_small_frames() -> None:
    control = LossControl()
    lossy(control, 0.3, 20, 0.0)
    assert control.bound_bps == pytest.approx(0.5e6, rel=0.1)


def test_loss_is_not_tried_while_the_delay_leads_nor_below_the_lowest_layer() -> None:
    control = LossControl()
    for tenth in range(50):
        control.add(10, 1)
        control.update(0.9e6, 1e6, False, 0.1, tenth / 10)
        assert not control.trying
    assert lossy(LossControl(), 0.3, 5, 0.0, sent_bps=180_000) >= 200_000


# Probes


def answered(
    prober: Prober, now: float, capacity_bps: float, wanted: float = 4e6, estimate: float = 1e6
) -> float:
    """Send the probe that is due over a link of that capacity; the rate it shows."""
    probe = prober.due(now, wanted, estimate, 20e6)
    assert probe is not None
    fates, arrival = [], 0.0
    for index in range(probe.packets):
        sent = now + index * probe.interval_s
        arrival = max(arrival, sent - now) + probe.octets * 8 / capacity_bps
        tick = round(arrival * 4000)
        fates.append(GroupFate(sent, 1, probe.octets, 1, probe.octets, tick, tick))
    shown = prober.add(fates, 0.0, 0.0, now + 0.2)
    assert shown is not None
    return shown


def test_a_link_that_bears_a_probe_is_probed_on() -> None:
    prober = Prober()
    assert answered(prober, 0.0, 50e6) == pytest.approx(BOLD * 1e6, rel=0.05)
    assert prober.due(0.3, 4e6, 3e6, 20e6) is None
    assert answered(prober, 1.0, 50e6, estimate=3e6) == pytest.approx(1.4 * 4e6, rel=0.05)
    assert prober.due(10.0, 4e6, 5e6, 20e6) is None  # no more is wanted


def test_a_saturated_link_raises_the_estimate_a_little_and_is_left_alone_for_a_while() -> None:
    prober = Prober()
    assert answered(prober, 0.0, 2e6) == pytest.approx(1.25e6)
    assert answered(Prober(), 0.0, 1e6) == pytest.approx(0.85e6, rel=0.05)
    assert prober.due(INTERVAL_S - 0.1, 4e6, 1e6, 20e6) is None
    probe = prober.due(INTERVAL_S + 0.3, 1.5e6, 1e6, 20e6)
    assert probe is not None
    assert probe.bitrate_bps == pytest.approx(CAREFUL_WANTED * 1.5e6)


def test_a_probe_that_led_too_far_is_not_soon_repeated() -> None:
    prober = Prober()
    answered(prober, 0.0, 50e6)
    prober.overused(1.0, 2.0)
    assert prober.due(1.0 + REPENT_S - 0.1, 4e6, 1e6, 20e6) is None
    assert prober.due(1.0 + REPENT_S + 0.1, 4e6, 1e6, 20e6)
    prober.overused(20.0, 2.0)
    assert prober.due(22.1, 4e6, 1e6, 20e6)


def test_a_probe_without_answer_is_given_up() -> None:
    prober = Prober()
    assert prober.due(0.0, 4e6, 1e6, 20e6)
    assert prober.due(TIMEOUT_S - 0.1, 4e6, 1e6, 20e6) is None
    assert prober.due(TIMEOUT_S + 0.1, 4e6, 1e6, 20e6) is None
    assert prober.due(TIMEOUT_S + 1.1, 4e6, 1e6, 20e6)


def test_a_probe_of_which_much_is_lost_shows_nothing() -> None:
    prober = Prober()
    probe = prober.due(0.0, 4e6, 1e6, 20e6)
    assert probe is not None
    fates = [
        GroupFate(
            index * probe.interval_s, 1, probe.octets, index % 2, probe.octets * (index % 2), index, index
        )
        for index in range(probe.packets)
    ]
    assert prober.add(fates, 0.0, 0.0, 1.0) == 0.0
    prober.due(10.0, 4e6, 1e6, 20e6)
    fates = [fate._replace(sent_at=fate.sent_at + 10) for fate in fates]
    assert prober.add(fates, 0.45, 0.0, 11.0) > 0  # unless the link loses as many always


def test_a_probe_that_leaves_in_one_burst_is_measured_by_its_arrival() -> None:
    prober = Prober()
    probe = prober.due(0.0, 4e6, 1e6, 20e6)
    assert probe is not None
    octets = probe.packets * probe.octets
    fate = GroupFate(0.0, probe.packets, octets, probe.packets, octets, 0, 4 * 200)
    assert prober.add([fate], 0.0, 0.0, 1.0) == pytest.approx(0.85 * (octets - probe.octets) * 8 / 0.2)
