"""Who gets which layer of what, within what one receiver's connection carries."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

Hint = Literal["detail", "motion"]

# A picture is large enough for a place with at least this share of the pixels asked: a browser enlarges by
# 15 % each way without anybody noticing, and the next picture costs three times as much.
ENOUGH_PIXELS: Final = 0.75
# Whoever gets more than now must leave this share of the budget free: an estimate wanders by as much.
SPARE: Final = 0.13
# The lowest rung of a simulcast costs less. A tile that has only a costlier one (a publisher that sends one
# large picture) waits until the others have what they asked for.
ENTRY_BPS: Final = 300_000

_RANK: Final[dict[str, int]] = {"microphone": 0, "screen_audio": 0, "screen": 1, "camera": 2}
_CAMERA: Final = _RANK["camera"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to send a track: a simulcast encoding (`stream`, lowest first) up to a spatial and temporal layer.

    Of two rungs the one with the greater (`stream`, `spatial`) is the larger picture. `width`, `height` (pixels)
    and `fps` are 0 where nobody knows them.
    """

    stream: int
    spatial: int
    temporal: int
    bitrate_bps: int
    width: int = 0
    height: int = 0
    fps: float = 0.0


@dataclass(frozen=True)
class Demand:
    """One track that a receiver asks for: the pixels of its place on screen, and the rungs it can be sent by.

    `width` and `height` 0 ask for the largest. `rungs` ascend in cost; none at all when the publisher sends
    nothing. `current` is what the receiver gets now. With the hint "detail" a larger picture is better than a
    higher frame rate, with "motion" the other way round.
    """

    key: Hashable
    source: str
    width: int
    height: int
    rungs: Sequence[Rung]
    current: Rung | None = None
    hint: Hint = "motion"

    @cached_property
    def ladder(self) -> list[Rung]:
        """The useful rungs in ascending cost, each better than the one before."""
        rungs = _useful(self)
        tops = {(rung.stream, rung.spatial): 0 for rung in rungs}
        for rung in rungs:
            picture = rung.stream, rung.spatial
            tops[picture] = max(tops[picture], rung.temporal)
        ladder: list[Rung] = []
        best = None
        for rung in rungs:
            picture = rung.stream, rung.spatial
            # Frame rates that are measured wander: what counts is how many temporal layers are left out.
            missing = rung.temporal - tops[picture]
            worth = (*picture, missing) if self.hint == "detail" else (missing, *picture)
            if best is None or worth > best:
                best = worth
                ladder.append(rung)
        return ladder


def allocate(budget_bps: float, demands: Sequence[Demand]) -> dict[Hashable, Rung | None]:
    """The rung of each demand, None for those that are not sent.

    In the order of importance (sound, screens, then cameras by their size on screen: the largest is the main
    picture) everybody gets the lowest rung, then each is raised as far as the budget allows before the next.
    When a lowest rung is not to be had the less important go without too and nobody is raised, so that tiles
    disappear from the last one up. Sound and the lowest rung of a screen are given even beyond the budget.

    With more budget the most important of those whose share changes gets more; those behind it may then get
    less than when they lived on what it could not use.
    """
    shares = [_Share(demand) for demand in sorted(demands, key=_importance)]
    purse = _Purse(budget_bps, sum(share.held_bps for share in shares))
    late = _give_lowest(shares, purse)
    for share in shares:
        if share.ladder and (share.level >= 0 or share in late):
            purse.lift(share, len(share.ladder) - 1)
    return {share.key: share.rung for share in shares}


def highest(demand: Demand) -> Rung | None:
    """What serves the demand fully: all frames of the smallest picture that is large enough for its place."""
    return demand.ladder[-1] if demand.ladder else None


def wanted_bps(demands: Sequence[Demand]) -> float:
    """The budget that would serve everybody fully, with what has to be spare: probing for more is useless."""
    total_bps = sum(rung.bitrate_bps for demand in demands if (rung := highest(demand)) is not None)
    return math.ceil(total_bps / (1 - SPARE) + 1) if total_bps else 0.0


class _Share:
    """What one demand gets while it is worked out: a level of its ladder, -1 for nothing."""

    __slots__ = ("held", "held_bps", "key", "ladder", "level", "rank")

    def __init__(self, demand: Demand) -> None:
        self.key = demand.key
        self.rank = _RANK[demand.source]
        self.ladder = demand.ladder
        self.level = -1
        self.held = -1 if demand.current is None else _held(self.ladder, demand.current)
        self.held_bps = self.ladder[self.held].bitrate_bps if self.held >= 0 else 0

    @property
    def rung(self) -> Rung | None:
        return self.ladder[self.level] if self.level >= 0 else None


class _Purse:
    """The budget, and what of it is spent.

    What a receiver has it keeps while it fits. More than that has to leave a part of the budget free, unless
    it only takes over what others got until now: that much is known to go through.
    """

    __slots__ = ("keep_bps", "raise_bps", "spent_bps")

    def __init__(self, budget_bps: float, held_bps: int) -> None:
        self.keep_bps = budget_bps
        self.raise_bps = max(budget_bps * (1 - SPARE), min(budget_bps, held_bps))
        self.spent_bps = 0

    def give(self, share: _Share) -> None:
        """The lowest rung, whether it fits or not."""
        share.level = 0
        self.spent_bps += share.ladder[0].bitrate_bps

    def lift(self, share: _Share, to: int) -> bool:
        """Lift a share as far as it fits, at most to this level. False when not even by one."""
        ladder = share.ladder
        others_bps = self.spent_bps - (ladder[share.level].bitrate_bps if share.level >= 0 else 0)
        for level in range(to, share.level, -1):
            spent_bps = others_bps + ladder[level].bitrate_bps
            if spent_bps <= (self.keep_bps if level <= share.held else self.raise_bps):
                share.level = level
                self.spent_bps = spent_bps
                return True
        return False

    def close(self) -> None:
        """From now on nobody gets more than before."""
        self.raise_bps = float("-inf")


def _give_lowest(shares: list[_Share], purse: _Purse) -> list[_Share]:
    """Give each the lowest rung; return the tiles that wait for their turn in the second round."""
    late: list[_Share] = []
    main: _Share | None = None
    for share in shares:
        if not share.ladder:
            continue
        if share.rank < _CAMERA:
            purse.give(share)
            continue
        main = main or share
        costly = share.ladder[0].bitrate_bps > ENTRY_BPS
        if costly and share is not main:
            late.append(share)
        elif not purse.lift(share, 0) and not costly:
            purse.close()
    return late


def _importance(demand: Demand) -> tuple[int, float]:
    return _RANK[demand.source], -_pixels(demand)


def _pixels(demand: Demand) -> float:
    """The pixels asked for; of a place with one known side those of 16:9."""
    width, height = demand.width, demand.height
    if width and height:
        return width * height
    return width * width * 9 / 16 or height * height * 16 / 9 or float("inf")


def _useful(demand: Demand) -> Sequence[Rung]:
    """Without the pictures that are larger than the smallest one that is large enough."""
    enough = max(_pixels(demand) * ENOUGH_PIXELS, 1)
    sizes = [size for rung in demand.rungs if (size := rung.width * rung.height) >= enough]
    if not sizes:
        return demand.rungs
    # Of two encodings of that size (a screen's, with few or with many pictures a second) both are.
    fitting = [(rung.stream, rung.spatial) for rung in demand.rungs if rung.width * rung.height == min(sizes)]
    return [rung for rung in demand.rungs if (rung.stream, rung.spatial) <= max(fitting)]


def _held(ladder: list[Rung], current: Rung) -> int:
    """The level a receiver has now; where its rung is no longer there, the one that costs no more."""
    level = -1
    for at, rung in enumerate(ladder):
        if (rung.stream, rung.spatial, rung.temporal) == (current.stream, current.spatial, current.temporal):
            return at
        if rung.bitrate_bps <= current.bitrate_bps:
            level = at
    return level
