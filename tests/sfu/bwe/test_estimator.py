from random import Random
from time import process_time

import pytest

from sfu.bwe.estimator import CEILING_BPS, FLOOR_BPS, LinkEstimator
from sfu.bwe.sent import MOST_GROUPS
from sfu.transport_feedback import TransportFeedback


def feedback(base: int, count: int, now: float, spacing: int = 40) -> TransportFeedback:
    """All of them arrived, 10 ms apart."""
    deltas = (int(now * 4000) % 256, *(spacing,) * (count - 1))
    return TransportFeedback(1, 2, base & 0xFFFF, count, int(now / 0.064), 0, tuple(range(count)), deltas)


def fed(link: LinkEstimator, seconds: int, start: float = 100.0) -> None:
    """1,000 bytes each 10 ms, 800 kbit/s, told of each 100 ms."""
    for tenth in range(seconds * 10):
        now, base = start + tenth / 10, round(start * 100) + tenth * 10
        for index in range(10):
            link.sent((base + index) & 0xFFFF, 1, 1000, now + index / 100)
        link.feedback(feedback(base, 10, now + 0.03), now + 0.15)
        link.tick(now + 0.1)


def test_it_begins_with_what_it_is_given() -> None:
    link = LinkEstimator(500_000)
    assert (link.bitrate_bps, link.state, link.loss, link.proven_bps) == (500_000, "start", 0, None)
    fed(link, 10)
    assert link.state == "delay"
    assert link.proven_bps == pytest.approx(800_000, rel=0.02)
    assert link.bitrate_bps > 800_000
    assert link.rtt_s == pytest.approx(0.06, abs=0.01)


def sent_untold(link: LinkEstimator, start: float, seconds: float) -> None:
    """The same packets, of which nothing is heard."""
    for index in range(int(seconds * 100)):
        now = start + index / 100
        link.sent(round(now * 100) & 0xFFFF, 1, 1000, now)
        if index % 10 == 9:
            link.tick(now)


def test_while_nothing_is_heard_of_what_leaves_the_rate_falls() -> None:
    link = LinkEstimator()
    fed(link, 5)
    before = link.bitrate_bps
    sent_untold(link, 105, 1.9)
    assert link.bitrate_bps == before
    sent_untold(link, 106.9, 1.0)
    assert link.bitrate_bps == pytest.approx(before / 2)
    sent_untold(link, 107.9, 1.0)
    assert link.bitrate_bps == pytest.approx(before / 4)


def test_a_pause_is_not_taken_for_a_silence() -> None:
    """Nothing was sent for ten seconds, and the last message before it was lost."""
    link = LinkEstimator()
    fed(link, 5)
    sent_untold(link, 105, 0.3)
    before = link.bitrate_bps
    for tenth in range(100):
        link.tick(105.3 + tenth / 10)
    sent_untold(link, 115.3, 1.0)
    assert link.bitrate_bps == before
    fed(link, 2, 117)
    assert link.bitrate_bps >= before


def test_a_reported_round_trip_is_preferred() -> None:
    link = LinkEstimator()
    for turn in range(50):
        link.receiver_report(0.5, 0.2, float(turn))
    fed(link, 2)
    assert link.rtt_s == pytest.approx(0.2, rel=0.01)
    link.receiver_report(0.5, -1.0, 200.0)
    link.receiver_report(0.5, 1e9, 200.0)
    link.receiver_report(0.5, None, 200.0)
    assert link.rtt_s == pytest.approx(0.2, rel=0.01)
    assert link.loss == 0  # of which transport-wide feedback knows more


def test_reports_and_remb_lead_where_there_is_no_feedback() -> None:
    link = LinkEstimator()
    link.remb(600_000)
    assert link.bitrate_bps == 600_000
    link.remb(2_000_000)
    for second in range(30):
        link.receiver_report(0.0, 0.1, float(second))
    assert link.bitrate_bps == 2_000_000
    assert link.state == "reports"
    link.receiver_report(0.2, 0.1, 31.0)
    assert link.bitrate_bps == pytest.approx(1_800_000)
    assert link.loss == 0.2
    link.receiver_report(0.05, 0.1, 32.0)
    assert link.bitrate_bps == pytest.approx(1_800_000)
    link.remb(0)
    assert link.bitrate_bps == FLOOR_BPS


def test_remb_bounds_also_beside_feedback() -> None:
    link = LinkEstimator()
    fed(link, 5)
    link.remb(300_000)
    assert (link.bitrate_bps, link.state) == (300_000, "remb")
    link.remb(CEILING_BPS)
    assert link.bitrate_bps > 800_000


def test_silence_lowers_the_rate_only_while_something_is_sent() -> None:
    link = LinkEstimator()
    fed(link, 5)
    before = link.bitrate_bps
    for second in range(106, 116):
        link.tick(float(second))
    assert link.bitrate_bps == before
    for tenth in range(1160, 1200):
        link.sent(tenth, 1, 1000, tenth / 10)
        link.tick(tenth / 10)
    assert link.bitrate_bps == before / 4


def test_only_one_probe_asks_a_receiver_that_tells_nothing() -> None:
    link = LinkEstimator()
    assert link.probe(0.0, 500_000) is None
    assert link.probe(0.0, 5_000_000)
    assert [link.probe(float(second), 5_000_000) for second in range(1, 30)] == [None] * 29


def test_hostile_feedback_is_counted_and_costs_little() -> None:
    link, random = LinkEstimator(), Random(1)
    fed(link, 5)
    before, start = link.bitrate_bps, process_time()
    for turn in range(2000):
        base, count = random.randrange(65_536), random.randrange(1, 65_536)
        received = tuple(sorted(random.sample(range(count), min(count, 50))))
        deltas = tuple(random.randrange(-32_768, 32_768) for _ in received)
        reference = random.randrange(1 << 24)
        link.feedback(TransportFeedback(1, 2, base, count, reference, 0, received, deltas), 105 + turn / 100)
    assert process_time() - start < 2
    assert link.unknown > 10_000
    assert FLOOR_BPS <= link.bitrate_bps <= before
    fed(link, 20, start=200.0)
    assert link.bitrate_bps > 800_000


def test_random_times_break_nothing() -> None:
    link, random, number = LinkEstimator(), Random(2), 0
    for turn in range(2000):
        link.sent(number & 0xFFFF, 3, 3000, turn / 50)
        reference = random.choice((turn // 3, random.randrange(1 << 24)))
        deltas = tuple(random.randrange(-32_768, 32_768) for _ in range(3))
        message = TransportFeedback(1, 2, number & 0xFFFF, 3, reference, 0, (0, 1, 2), deltas)
        link.feedback(message, turn / 50 + 0.1)
        link.probe(turn / 50, 5e6)
        assert FLOOR_BPS <= link.bitrate_bps <= CEILING_BPS
        number += 3


def test_sending_without_an_answer_is_bounded() -> None:
    link = LinkEstimator()
    for number in range(3 * MOST_GROUPS):
        link.sent(number & 0xFFFF, 64, 64_000, number / 100)
    link.feedback(feedback(0, 100, 50.0), 50.0)
    assert link.messages <= 1


def test_feedback_is_cheap() -> None:
    """Sixty links with 1,500 packets a second each are a worker; 1.5 µs for each is an eighth of its core."""
    link = LinkEstimator()
    fed(link, 1)
    best = min(cost(link, 101.0 + turn) for turn in range(10))
    assert best < 6e-6, "far beyond what it takes on an idle machine, 0.7 µs"


def cost(link: LinkEstimator, start: float) -> float:
    """Seconds per packet in groups of three."""
    began = process_time()
    for tenth in range(10):
        base, now = round(start * 1500) + tenth * 150, start + tenth / 10
        for group in range(50):
            link.sent((base + 3 * group) & 0xFFFF, 3, 3300, now + group / 500)
        link.feedback(feedback(base, 150, now + 0.03, spacing=2), now + 0.15)
    return (process_time() - began) / 1500
