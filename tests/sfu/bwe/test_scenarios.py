"""The whole estimate over a simulated bottleneck: RFC 8867 cases and what a meeting meets, in virtual time."""

import pytest

from tests.sfu.bwe.link import LAYERS_BPS, Flow, Link, Swing, TcpLike, World

AUDIO_AND_LOWEST_LAYER_BPS = 180_000
STEPS = ((0, 40, 1e6), (40, 60, 2.5e6), (60, 80, 0.6e6), (80, 100, 1e6))


def flow_over(
    *steps: tuple[float, float], seconds: float, layers: bool = False, link: Link | None = None, **kind: float
) -> Flow:
    """A flow over a link that has a capacity (bit/s) from each time (s) on."""
    link = link or Link(World(), steps[0][1])
    world = link.world
    flow = Flow(link, LAYERS_BPS[:4] if layers else None, **kind)
    for at, capacity in steps[1:]:
        world.at(world.began + at, lambda capacity=capacity: link.change(capacity))
    world.run(seconds)
    return flow


@pytest.mark.parametrize(("jitter_s", "seed"), [(0.0, 1), (0.03, 1), (0.03, 2)])
def test_rfc_8867_variable_capacity(jitter_s: float, seed: int) -> None:
    """Case 5.1, with our pass marks."""
    link = Link(World(), 1e6, jitter_s=jitter_s, seed=seed)
    flow = flow_over(*((start, capacity) for start, _, capacity in STEPS), seconds=100, link=link)
    for start, end, capacity in STEPS:
        middle = (start + end) / 2
        assert flow.arrived_bps(middle, end) > 0.7 * capacity
        assert flow.loss(start + 3, end) < 0.02
        assert flow.queued_p95_s(middle, end) < 0.15
    assert flow.first_at(60, lambda estimate: estimate < 0.6e6) < 5
    assert flow.first_at(40, lambda estimate: estimate > 0.7 * 2.5e6) < 15
    assert flow.estimator.unknown == 0


def test_layers_follow_the_capacity() -> None:
    flow = flow_over(*((start, capacity) for start, _, capacity in STEPS), seconds=100, layers=True)
    for start, end, capacity in STEPS:
        best = max(rate for rate in LAYERS_BPS if rate <= 0.95 * capacity)
        if best == 680_000 or capacity == 2.5e6:
            assert flow.arrived_bps((start + end) / 2, end) > 0.9 * best
        assert flow.loss(start + 3, end) < 0.02
        assert flow.queued_p95_s((start + end) / 2, end) < 0.15


@pytest.mark.parametrize("layers", [False, True])
@pytest.mark.parametrize("jitter_s", [0.0, 0.03])
@pytest.mark.parametrize("queue_s", [0.3, 1.5])
def test_a_cliff_and_back(layers: bool, jitter_s: float, queue_s: float) -> None:
    link = Link(World(), 2.5e6, jitter_s=jitter_s, queue_s=queue_s)
    flow = flow_over((0, 2.5e6), (30, 0.3e6), (60, 2.5e6), seconds=90, layers=layers, link=link)
    assert flow.arrived_bps(15, 30) > 1.75e6
    assert flow.first_at(30, lambda estimate: estimate < 0.33e6) < 3
    assert flow.loss(34, 60) < 0.02
    assert flow.arrived_bps(45, 60) > 0.55 * 0.3e6
    assert flow.first_at(60, lambda estimate: estimate > 1.75e6) < 20
    assert flow.arrived_bps(80, 90) > 1.75e6


@pytest.mark.parametrize("layers", [False, True])
def test_ten_percent_of_chance_losses_barely_matter(layers: bool) -> None:
    flow = flow_over((0, 3e6), seconds=40, layers=layers, link=Link(World(), 3e6, loss=0.1))
    least, _ = flow.estimate_bps(10, 40)
    assert least > (1_500_000 if layers else 1_800_000)


@pytest.mark.parametrize("layers", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thirty_percent_of_chance_losses_leave_audio_and_the_lowest_layer(layers: bool, seed: int) -> None:
    flow = flow_over((0, 5e6), seconds=40, layers=layers, link=Link(World(), 5e6, loss=0.3, seed=seed))
    least, most = flow.estimate_bps(5, 40)
    assert least > AUDIO_AND_LOWEST_LAYER_BPS
    assert most < 1_000_000


def test_losses_that_end_are_forgotten() -> None:
    link = Link(World(), 3e6, loss=0.3)
    link.world.at(link.world.began + 20, lambda: setattr(link, "loss", 0.0))
    flow = flow_over((0, 3e6), seconds=40, link=link)
    assert flow.first_at(20, lambda estimate: estimate > 2.1e6) < 15


def test_a_long_way_with_jitter() -> None:
    flow = flow_over((0, 3e6), seconds=40, link=Link(World(), 3e6, delay_s=0.1, jitter_s=0.03))
    assert flow.arrived_bps(20, 40) > 0.7 * 3e6
    assert flow.queued_p95_s(20, 40) < 0.15


@pytest.mark.parametrize(
    "kind",
    [
        {"feedback_loss": 0.1},
        {"feedback_s": 0.05},
        {"feedback_s": 0.25},
        {"skew": 2e-4, "first_number": 65_000},
        {"skew": -2e-4},
    ],
)
def test_feedback_may_be_lost_rare_or_of_a_wrong_clock(kind: dict[str, float]) -> None:
    flow = flow_over((0, 3e6), seconds=40, **kind)
    assert flow.arrived_bps(20, 40) > 0.75 * 3e6
    assert flow.queued_p95_s(20, 40) < 0.15
    assert flow.loss(5, 40) < 0.02


@pytest.mark.parametrize("layers", [False, True])
@pytest.mark.parametrize("capacity", [0.1e6, 0.3e6])
def test_a_weak_line_is_not_overrun(layers: bool, capacity: float) -> None:
    flow = flow_over((0, capacity), seconds=40, layers=layers)
    assert flow.first_at(0, lambda estimate: estimate < 1.1 * capacity) < 3
    assert flow.loss(5, 40) < 0.02
    assert flow.arrived_bps(20, 40) > (0.3 if layers else 0.7) * capacity


def test_a_fast_line_is_found_at_once() -> None:
    flow = flow_over((0, 15e6), seconds=30)
    assert flow.first_at(0, lambda estimate: estimate > 8e6) < 5
    assert flow.arrived_bps(15, 30) > 0.7 * 15e6


def test_who_sends_less_than_the_link_bears_keeps_a_bounded_estimate() -> None:
    link = Link(World(), 18e6)
    flow = Flow(link, LAYERS_BPS[:3])
    link.world.run(60)
    least, most = flow.estimate_bps(5, 60)
    assert least >= 680_000
    assert most <= 1_100_000
    assert flow.estimates[-1][1] >= flow.estimates[100][1]


def test_a_pause_neither_lowers_nor_raises_the_estimate() -> None:
    world = World()
    flow = Flow(Link(world, 3e6))
    world.at(world.began + 20, lambda: setattr(flow, "paused", True))
    world.at(world.began + 60, lambda: setattr(flow, "paused", False))
    world.run(80)
    before = flow.estimate_bps(19.5, 20)[1]
    least, most = flow.estimate_bps(25, 60)
    assert 0.9 * before <= least <= most <= 1.1 * before
    assert flow.arrived_bps(62, 80) > 0.7 * 3e6


@pytest.mark.parametrize("layers", [False, True])
def test_an_outage_is_survived(layers: bool) -> None:
    world = World()
    link = Link(world, 2.5e6)
    world.at(world.began + 20, lambda: setattr(link, "down", True))
    world.at(world.began + 23, lambda: setattr(link, "down", False))
    flow = flow_over((0, 2.5e6), seconds=40, layers=layers, link=link)
    assert flow.first_at(23.5, lambda estimate: estimate > 1.75e6) < 10
    assert flow.arrived_bps(35, 40) > 1.75e6


def test_a_stall_is_no_lack_of_capacity() -> None:
    """A radio hands over: for 600 ms nothing arrives, then all at once."""
    world = World()
    link = Link(world, 3e6)
    world.at(world.began + 20, lambda: setattr(link, "stalled_until", world.now + 0.6))
    flow = flow_over((0, 3e6), seconds=40, link=link)
    assert flow.arrived_bps(25, 40) > 0.7 * 3e6


def test_two_flows_share_fairly() -> None:
    world = World()
    link = Link(world, 2e6)
    first, second = Flow(link, seed=3), Flow(link, start_s=10.011, seed=4)
    world.run(100)
    shares = first.arrived_bps(40, 100), second.arrived_bps(40, 100)
    assert max(shares) < 2 * min(shares)
    assert sum(shares) > 0.7 * 2e6


def test_rfc_8867_three_flows() -> None:
    """Case 5.4: 3.5 Mbit/s, they come 20 s apart."""
    world = World()
    link = Link(world, 3.5e6)
    flows = [Flow(link, start_s=20.011 * index, seed=index) for index in range(3)]
    world.run(120)
    shares = [flow.arrived_bps(60, 120) for flow in flows]
    assert max(shares) < 2 * min(shares)
    assert sum(shares) > 0.7 * 3.5e6
    assert max(flow.loss(65, 120) for flow in flows) < 0.02


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("longer_s", "swing_s"), [(0.05, 0.01), (0.2, 0.0), (0.2, 0.03)])
def test_a_longer_and_wandering_way_is_no_lack_of_capacity(
    longer_s: float, swing_s: float, seed: int
) -> None:
    link = Link(World(), 10e6, delay_s=0.002, seed=seed)
    flow = Flow(link, LAYERS_BPS[:4])

    def lengthen() -> None:
        link.delay_s += longer_s
        link.swing = Swing(swing_s, seed)

    link.world.at(link.world.began + 10, lengthen)
    link.world.run(25)
    assert flow.arrived_bps(9, 10) > 1.5e6
    assert flow.arrived_bps(18, 25) > 1.5e6


@pytest.mark.parametrize("seed", [1, 2])
def test_rfc_8867_beside_tcp(seed: int) -> None:
    """Case 5.6: neither starves."""
    world = World()
    link = Link(world, 2e6, jitter_s=0.005, seed=seed)
    flow, tcp = Flow(link, seed=seed), TcpLike(link, 5)
    world.run(80)
    assert flow.arrived_bps(20, 80) > 0.15 * 2e6
    assert tcp.arrived_bps(20, 80) > 0.15 * 2e6


def test_layers_beside_tcp_keep_a_picture() -> None:
    world = World()
    link = Link(world, 2e6, jitter_s=0.005)
    flow = Flow(link, LAYERS_BPS)
    TcpLike(link, 5)
    world.run(80)
    assert flow.arrived_bps(20, 80) > 0.9 * AUDIO_AND_LOWEST_LAYER_BPS
