"""Shares of a receiver's bandwidth: who comes first, what fits, what stays as it is."""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.allocation import (
    ENTRY_BPS,
    SPARE,
    Demand,
    Hint,
    Rung,
    allocate,
    highest,
    wanted_bps,
)

SIZES = ((320, 180), (640, 360), (1280, 720))
# Of the frames: what three temporal layers (L1T3) cost and show.
PARTS = ((0, 0.4, 7.5), (1, 0.6, 15.0), (2, 1.0, 30.0))


def simulcast(*full_bps: int) -> tuple[Rung, ...]:
    """Encodings of a camera, three temporal layers each, in ascending cost."""
    rungs = [
        Rung(stream, 0, temporal, int(bps * part), *SIZES[stream], fps)
        for stream, bps in enumerate(full_bps)
        for temporal, part, fps in PARTS
    ]
    return tuple(sorted(rungs, key=lambda rung: rung.bitrate_bps))


CAMERA = simulcast(100_000, 500_000, 2_500_000)
VOICE = (Rung(0, 0, 0, 40_000),)
ONE_LARGE = (Rung(0, 0, 0, 2_000_000, 1280, 720, 30),)


def demand(
    key: str,
    source: str = "camera",
    width: int = 1280,
    height: int = 720,
    rungs: Sequence[Rung] = CAMERA,
    current: Rung | None = None,
    hint: Hint = "motion",
) -> Demand:
    return Demand(key, source, width, height, rungs, current, hint)


def tile(key: str, current: Rung | None = None) -> Demand:
    return demand(key, width=320, height=180, current=current)


def named(rung: Rung | None) -> str:
    return "-" if rung is None else f"{'lmh'[rung.stream]}{rung.temporal}"


def shares(budget_bps: float, *demands: Demand) -> str:
    """The outcome as words: "m2 l0 -". The budget is what may be spent, with what must be spare beyond it."""
    outcome = allocate(budget_bps / (1 - SPARE) + 1, demands)
    return " ".join(named(outcome[one.key]) for one in demands)


def settled(budget_bps: float, demands: Sequence[Demand]) -> list[Demand]:
    """The demands after they have got what there is."""
    outcome = allocate(budget_bps, demands)
    return [replace(one, current=outcome[one.key]) for one in demands]


@pytest.mark.parametrize(
    ("width", "height", "stream"),
    [
        (160, 90, 0),
        (320, 180, 0),
        (360, 202, 0),  # enlarged by an eighth each way
        (400, 225, 1),
        (640, 360, 1),
        (700, 394, 1),
        (960, 540, 2),
        (1280, 720, 2),
        (3840, 2160, 2),
        (0, 0, 2),
        (180, 320, 0),  # turned
        (320, 0, 0),
        (0, 720, 2),
    ],
)
def test_the_smallest_picture_that_is_large_enough(width: int, height: int, stream: int) -> None:
    rung = highest(demand("a", width=width, height=height))
    assert rung is not None
    assert (rung.stream, rung.temporal) == (stream, 2)


def test_spatial_layers_of_one_stream_are_pictures_too() -> None:
    svc = [
        Rung(0, spatial, 0, bps, *SIZES[spatial]) for spatial, bps in enumerate((100_000, 400_000, 1_500_000))
    ]
    assert highest(demand("a", width=640, height=360, rungs=svc)) == svc[1]


def test_pictures_of_unknown_size_serve_where_no_known_one_is_large_enough() -> None:
    rungs = [replace(CAMERA[0], bitrate_bps=50), Rung(1, 0, 0, 100)]
    assert highest(demand("a", rungs=rungs)) == rungs[1]
    assert highest(demand("a", width=320, height=180, rungs=rungs)) == rungs[0]


@pytest.mark.parametrize(
    ("kbps", "outcome"),
    [
        (10, "- - -"),
        (40, "l0 - -"),
        (79, "l0 - -"),
        (80, "l0 l0 -"),
        (119, "l0 l0 -"),  # nobody is raised while somebody is missing
        (120, "l0 l0 l0"),
        (140, "l1 l0 l0"),
        (180, "l2 l0 l0"),
        (240, "l2 l2 l0"),
        (300, "l2 l2 l2"),
        (580, "m2 l0 l0"),
        (640, "m2 l2 l0"),
        (700, "m2 l2 l2"),
        (2_579, "m2 l2 l2"),
        (2_580, "h2 l0 l0"),
        (2_700, "h2 l2 l2"),
        (99_999, "h2 l2 l2"),
    ],
)
def test_everybody_gets_the_lowest_then_the_largest_is_raised_first(kbps: int, outcome: str) -> None:
    assert shares(kbps * 1000, demand("main"), tile("a"), tile("b")) == outcome


@pytest.mark.parametrize(
    ("hint", "kbps", "outcome"),
    [
        ("detail", 40, "l0"),
        ("detail", 199, "l2"),
        ("detail", 200, "m0"),
        ("detail", 500, "m2"),
        ("detail", 1_000, "h0"),
        ("detail", 1_500, "h1"),
        ("motion", 200, "l2"),
        ("motion", 499, "l2"),
        ("motion", 1_500, "m2"),
        ("motion", 2_500, "h2"),
    ],
)
def test_detail_is_a_large_picture_and_motion_a_fluent_one(hint: Hint, kbps: int, outcome: str) -> None:
    assert shares(kbps * 1000, demand("a", "screen", hint=hint)) == outcome


def test_sound_and_a_screen_are_never_given_up() -> None:
    demands = [tile("tile"), demand("screen", "screen"), demand("a", "microphone", rungs=VOICE)]
    outcome = allocate(0, demands)
    assert outcome == {"a": VOICE[0], "screen": CAMERA[0], "tile": None}


def test_importance_goes_by_source_then_by_size_then_by_order() -> None:
    demands = [
        tile("last"),
        demand("second", width=640, height=360),
        demand("main"),
        demand("third", width=640, height=360),
        demand("screen", "screen"),
    ]
    outcome = allocate(40_000 * 4 / (1 - SPARE), demands)
    assert [key for key, rung in outcome.items() if rung] == ["screen", "main", "second", "third"]


def test_a_publisher_that_sends_nothing_gets_nothing() -> None:
    assert allocate(1e9, [demand("a", rungs=())]) == {"a": None}
    assert highest(demand("a", rungs=())) is None
    assert wanted_bps([demand("a", rungs=())]) == 0


def test_what_is_wanted_is_what_serves_everybody() -> None:
    demands = [demand("main"), tile("a"), demand("v", "microphone", rungs=VOICE)]
    assert wanted_bps(demands) == pytest.approx((2_500_000 + 100_000 + 40_000) / (1 - SPARE), abs=2)
    outcome = allocate(wanted_bps(demands), demands)
    assert outcome == {one.key: highest(one) for one in demands}


@pytest.mark.parametrize(
    ("kbps", "outcome"),
    [(2_039, "m2 - l2"), (2_040, "m2 h0 l0"), (2_100, "m2 h0 l2"), (2_540, "h2 - l0"), (4_100, "h2 h0 l2")],
)
def test_a_tile_with_one_large_picture_waits_until_the_main_picture_was_raised(
    kbps: int, outcome: str
) -> None:
    large = replace(tile("large"), rungs=(Rung(2, 0, 0, 1_500_000, 1280, 720),))
    assert shares(kbps * 1000, demand("main"), large, tile("a")) == outcome


def test_a_main_picture_with_one_large_encoding_comes_before_the_tiles() -> None:
    demands = [demand("main", rungs=ONE_LARGE), tile("a"), tile("b")]
    outcome = allocate(2_050_000 / (1 - SPARE), demands)
    assert outcome == {"main": ONE_LARGE[0], "a": CAMERA[0], "b": None}
    outcome = allocate(1_900_000 / (1 - SPARE), demands)
    assert outcome == {"main": None, "a": highest(tile("a")), "b": highest(tile("b"))}


# What is had stays, what is more needs room


def test_what_is_had_stays_while_it_fits() -> None:
    assert shares(2_200_000, demand("a")) == "m2"
    for budget_bps, stays in ((2_500_000, "h2"), (2_499_999, "m2")):
        outcome = allocate(budget_bps, [demand("a", current=CAMERA[-1])])
        assert named(outcome["a"]) == stays


def test_raising_needs_room_to_spare() -> None:
    had = next(rung for rung in CAMERA if named(rung) == "m2")
    enough_bps = 2_500_000 / (1 - SPARE)
    assert named(allocate(enough_bps - 10, [demand("a", current=had)])["a"]) == "m2"
    assert named(allocate(enough_bps + 10, [demand("a", current=had)])["a"]) == "h2"


def test_a_place_can_be_taken_over_without_room_to_spare() -> None:
    """A tile that becomes the more important one displaces another at the same cost."""
    demands = [tile("new"), tile("old", highest(tile("old")))]
    assert allocate(101_000, demands) == {"new": CAMERA[1], "old": CAMERA[0]}
    assert allocate(60_000, [tile("new"), tile("old", CAMERA[0])]) == {"new": CAMERA[0], "old": None}


def test_a_smaller_place_gets_a_smaller_picture_at_once() -> None:
    assert named(allocate(1e9, [tile("a", CAMERA[-1])])["a"]) == "l2"


def test_an_encoding_that_ended_is_followed_by_what_costs_no_more() -> None:
    two = simulcast(100_000, 500_000)
    assert named(allocate(500_000, [demand("a", rungs=two, current=CAMERA[-1])])["a"]) == "m2"


@pytest.mark.parametrize("seed", range(10))
def test_estimates_that_wander_move_nothing_for_long(seed: int) -> None:
    chance = random.Random(seed)
    demands = [demand("screen", "screen", hint="detail"), demand("main"), *map(tile, "abcdef")]
    changes = 0
    for step in range(300):
        budget_bps = 3_400_000 * chance.uniform(0.95, 1.05)
        after = settled(budget_bps, demands)
        changes += step >= 100 and after != demands
        assert spent(after) <= budget_bps
        demands = after
    assert changes == 0


# Properties


def spent(demands: Sequence[Demand]) -> int:
    return sum(one.current.bitrate_bps for one in demands if one.current is not None)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[Rung, ...]:
    """One to three pictures with one to three temporal layers each; the lowest is cheap, as it is in use."""
    pictures, svc = draw(st.integers(1, 3)), draw(st.booleans())
    layers, lowest_bps = draw(st.integers(1, 3)), draw(st.integers(1_000, ENTRY_BPS))
    rungs = []
    for picture in range(pictures):
        most = lowest_bps * 4**picture
        for temporal in range(layers):
            where = (0, picture) if svc else (picture, 0)
            bps = most * (temporal + 2) // (layers + 1)
            rungs.append(Rung(*where, temporal, bps, *SIZES[picture]))
    return tuple(sorted(rungs, key=lambda rung: rung.bitrate_bps))


SOURCES: st.SearchStrategy[str] = st.sampled_from(
    ("microphone", "screen_audio", "screen", "camera", "camera", "camera")
)
HINTS: st.SearchStrategy[Hint] = st.sampled_from(("detail", "motion"))
PLACES = st.sampled_from((*SIZES, (0, 0), (400, 300)))


@st.composite
def meetings(draw: st.DrawFn, held: bool = False) -> list[Demand]:
    demands = []
    for key in range(draw(st.integers(0, 8))):
        source, (width, height) = draw(SOURCES), draw(PLACES)
        rungs = VOICE if source in ("microphone", "screen_audio") else draw(ladders())
        hint = draw(HINTS)
        current = draw(st.sampled_from((None, *rungs))) if held else None
        demands.append(Demand(key, source, width, height, rungs, current, hint))
    return demands


BUDGETS = st.one_of(st.integers(0, 6_000_000), st.floats(0, 1e8))


def importance(one: Demand) -> tuple[int, float]:
    rank = {"screen": 1, "camera": 2}.get(one.source, 0)
    return rank, -(one.width * one.height or math.inf)


def worth(one: Demand, rung: Rung | None) -> tuple[int, ...]:
    """How good a rung is for a demand: () for nothing."""
    if rung is None:
        return ()
    same = [
        other.temporal for other in one.rungs if (other.stream, other.spatial) == (rung.stream, rung.spatial)
    ]
    missing = rung.temporal - max(same)
    picture = rung.stream, rung.spatial
    return (*picture, missing) if one.hint == "detail" else (missing, *picture)


@given(BUDGETS, meetings(held=True))
def test_only_what_is_guaranteed_may_exceed_the_budget(budget_bps: float, demands: list[Demand]) -> None:
    outcome = allocate(budget_bps, demands)
    assert outcome.keys() == {one.key for one in demands}
    total = sum(rung.bitrate_bps for rung in outcome.values() if rung)
    certain = [one for one in demands if one.source != "camera"]
    assert all(outcome[one.key] for one in certain)
    if total > budget_bps:
        given_rungs = {one.key: one.rungs[0] for one in certain}
        assert {key: rung for key, rung in outcome.items() if rung} == given_rungs


@given(BUDGETS, BUDGETS, meetings())
def test_more_budget_is_more_for_the_most_important_it_changes(
    one_bps: float, other_bps: float, demands: list[Demand]
) -> None:
    less, more = (allocate(budget, demands) for budget in sorted((one_bps, other_bps)))
    ordered = sorted(demands, key=importance)
    before, after = ([worth(one, result[one.key]) for one in ordered] for result in (less, more))
    assert after >= before


@given(BUDGETS, BUDGETS, meetings())
def test_more_budget_takes_no_picture_away(one_bps: float, other_bps: float, demands: list[Demand]) -> None:
    less, more = (allocate(budget, demands) for budget in sorted((one_bps, other_bps)))
    for one in demands:
        assert more[one.key] is not None or less[one.key] is None


@given(BUDGETS, meetings())
def test_tiles_disappear_from_the_last_one_up(budget_bps: float, demands: list[Demand]) -> None:
    outcome = allocate(budget_bps, demands)
    shown = [outcome[one.key] is not None for one in sorted(demands, key=importance)]
    assert shown == sorted(shown, reverse=True)
    if not all(shown):
        assert all(rung in (None, one.rungs[0]) for one in demands for rung in (outcome[one.key],))


@given(BUDGETS, meetings(held=True), st.randoms(use_true_random=False))
def test_order_decides_between_equals_only(
    budget_bps: float, demands: list[Demand], chance: random.Random
) -> None:
    distinct = list({importance(one): one for one in demands}.values())
    shuffled = chance.sample(distinct, len(distinct))
    assert allocate(budget_bps, shuffled) == allocate(budget_bps, distinct)


@given(BUDGETS, meetings(held=True))
@settings(max_examples=50)
def test_the_same_budget_again_and_again_comes_to_rest(budget_bps: float, demands: list[Demand]) -> None:
    for _ in range(12):
        demands = settled(budget_bps, demands)
    assert settled(budget_bps, demands) == demands


@given(BUDGETS, meetings(held=True))
@settings(max_examples=50)
def test_what_has_come_to_rest_is_kept_down_to_what_it_costs(
    budget_bps: float, demands: list[Demand]
) -> None:
    for _ in range(12):
        demands = settled(budget_bps, demands)
    assert settled(min(budget_bps, spent(demands)), demands) == demands


@given(meetings())
def test_enough_serves_everybody_fully(demands: list[Demand]) -> None:
    outcome = allocate(wanted_bps(demands), demands)
    assert outcome == {one.key: highest(one) for one in demands}


def test_it_is_quick() -> None:
    """Several times a second for each receiver: 0.1 ms on a machine of today."""
    demands = [demand("main", current=CAMERA[-1]), *(tile(str(at), CAMERA[2]) for at in range(19))]
    took = []
    for _ in range(30):
        begun = time.perf_counter()
        allocate(3_000_000, demands)
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.001
