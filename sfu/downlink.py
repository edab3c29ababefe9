"""What one subscriber's connection bears, and which layers it therefore gets."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from sfu.allocation import Demand, Hint, Rung, allocate, highest, wanted_bps
from sfu.bwe.estimator import CEILING_BPS, LinkEstimator
from sfu.bwe.prober import Probe
from sfu.layers import Limits
from sfu.rtcp import Remb
from sfu.subscription import Subscription
from sfu.transport_feedback import TransportFeedback

_PICTURES: Final = ("camera", "screen")
# A camera at full size and some voices fit. A link that bears less says so within a second; that it bears more, a
# probe shows.
START_BPS: Final = 2_000_000
# Layers are chosen anew so often; what is wanted or lost is acted on at once.
ALLOCATION_INTERVAL_S: Final = 0.5
# Probes are planned no closer than this.
TICK_INTERVAL_S: Final = 0.09
# An estimate that fell so far is acted on at once.
_FELL: Final = 0.85
# A picture that does not fit any more is given up late: estimates dip, and coming back costs a keyframe.
PATIENCE_S: Final = 1.5
# How many earlier packets are repeated above which loss, to begin and to go on.
_REPEATS: Final = ((2, (0.12, 0.08)), (1, (0.015, 0.005)))
# A link that bears no picture is tried again so often, for so long: without packets nothing is learned of it.
TRIAL_INTERVAL_S: Final = 6.0
TRIAL_S: Final = 1.5


@dataclass(frozen=True, slots=True)
class Wish:
    """A copy and the pixels of its place on the screen; 0 where the size is not told."""

    subscription: Subscription
    source: str
    width: int
    height: int


class Downlink:
    """The estimate of one connection, the numbers of its packets, and the choice of layers by both."""

    def __init__(self, wishes: Callable[[], Iterable[Wish]]) -> None:
        self.number = 0
        self.estimator = LinkEstimator(CEILING_BPS)
        self.sent = self.estimator.sent
        self._is_told = False
        self.wanted_bps = 0.0
        self.share: float | None = None
        self._wishes = wishes
        self._allocated_at = float("-inf")
        self._allocated_bps = 0.0
        self._depth = 0
        self._pictured_at = 0.0
        self._ticked_at = float("-inf")
        self._fitted_at: WeakKeyDictionary[Subscription, float] = WeakKeyDictionary()

    def expect_feedback(self) -> None:
        """The receiver has agreed to tell of each packet: begin low and climb. Others get all until they complain."""
        if not self._is_told:
            self._is_told = True
            self.estimator = LinkEstimator(START_BPS)
            self.sent = self.estimator.sent

    # What comes back

    @property
    def is_at_ease(self) -> bool:
        """Whether all that is wanted is sent and goes through, so that it is enough to hear of some of the packets."""
        bears = min(self._allocated_bps, self.estimator.bitrate_bps)
        return bears > self.wanted_bps > 0 and self.estimator.is_quiet

    def feedback(self, message: TransportFeedback, now: float) -> None:
        """The receiver tells when packets arrived."""
        self.estimator.feedback(message, now)
        if self.estimator.bitrate_bps < _FELL * self._allocated_bps:
            self.allocate(now)

    def remb(self, message: Remb) -> None:
        """The receiver's own estimate."""
        self.estimator.remb(message.bitrate_bps)

    # Choice

    def tick(self, now: float) -> None:
        """What is due by the clock: several times a second."""
        if now - self._ticked_at < TICK_INTERVAL_S:
            return
        self._ticked_at = now
        self.estimator.tick(now)
        if now - self._allocated_at >= ALLOCATION_INTERVAL_S:
            self.allocate(now)
        probe = self.estimator.probe(now, self.wanted_bps)
        if probe is not None:
            self._send(probe)

    def allocate(self, now: float) -> None:
        """Aim each copy at what the link bears."""
        self._allocated_at, self._allocated_bps = now, self.estimator.bitrate_bps
        wishes = [wish for wish in self._wishes() if _is_sent(wish.subscription)]
        demands = [_demand(index, wish, now) for index, wish in enumerate(wishes)]
        self.wanted_bps = wanted_bps(demands)
        rungs = allocate(self._allocated_bps, demands)
        self.share = _share(demands, rungs)
        rungs |= self._trial(demands, rungs, now)
        self._repeat_sound(wishes)
        for index, wish in enumerate(wishes):
            if demands[index].rungs and wish.subscription.kind == "video":
                self._aim(wish.subscription, rungs[index], demands[index], now)

    def _repeat_sound(self, wishes: Sequence[Wish]) -> None:
        """Sound is repeated where packets are lost: it is small, and too urgent to be asked for again."""
        sounds = [wish.subscription for wish in wishes if wish.subscription.kind == "audio"]
        loss = self.loss(sounds)
        self._depth = next((depth for depth, least in _REPEATS if loss > least[self._depth >= depth]), 0)
        for subscription in sounds:
            subscription.repeat(self._depth)

    def _trial(
        self, demands: Sequence[Demand], rungs: Mapping[Hashable, Rung | None], now: float
    ) -> dict[Hashable, Rung | None]:
        """The least of the most important picture where there would be none: always or from time to time.

        What a receiver reports of itself (REMB, loss) is no measure of a link that carries next to nothing.
        """
        by_key = {demand.key: demand for demand in demands if demand.source in _PICTURES and demand.rungs}
        # They come back in the order of their importance.
        pictures = [by_key[key] for key in rungs if key in by_key]
        if not pictures or any(rungs[one.key] for one in pictures):
            self._pictured_at = now
            return {}
        waited_s = (now - self._pictured_at) % (TRIAL_INTERVAL_S + TRIAL_S)
        on_trial = not self._is_told or waited_s > TRIAL_INTERVAL_S
        return {pictures[0].key: pictures[0].rungs[0]} if on_trial else {}

    def _aim(self, subscription: Subscription, rung: Rung | None, demand: Demand, now: float) -> None:
        if rung is not None:
            self._fitted_at[subscription] = now
        elif now - self._fitted_at.get(subscription, float("-inf")) < PATIENCE_S:
            rung = demand.rungs[0]
        else:
            self._fitted_at.pop(subscription, None)
            return subscription.rest()
        assert subscription.publication is not None
        stream = subscription.publication.streams[rung.stream]
        return subscription.aim(stream, Limits(rung.spatial, rung.temporal))

    def _send(self, probe: Probe) -> None:
        """Retransmissions of what was sent lately, one after another."""
        carrier = max(
            (wish.subscription for wish in self._wishes() if wish.subscription.can_probe),
            key=lambda subscription: subscription.packets,
            default=None,
        )
        if carrier is None:
            return
        loop = asyncio.get_running_loop()
        for index in range(probe.packets):
            loop.call_later(index * probe.interval_s, carrier.probe, probe.octets)

    def loss(self, playing: Sequence[Subscription]) -> float:
        """The share of packets that did not arrive at first, as the receiver tells in the one way or the other."""
        if self._is_told:
            return self.estimator.loss
        return max((one.fraction_lost for one in playing), default=0.0)

    def stats(self) -> dict[str, Any]:
        """For people: plain JSON."""
        estimator = self.estimator
        return {
            "estimate_bps": round(estimator.bitrate_bps),
            "wanted_bps": round(self.wanted_bps),
            "rtt_s": estimator.rtt_s,
            "loss": estimator.loss,
            "queue_ms": estimator.queue_ms,
            "limited_by": estimator.state,
        }


def _is_sent(subscription: Subscription) -> bool:
    publication = subscription.publication
    return publication is not None and publication.has_started and not publication.is_paused


def _demand(key: int, wish: Wish, now: float) -> Demand:
    publication = wish.subscription.publication
    assert publication is not None
    rungs = publication.rungs(now) if publication.is_audible else []
    current = next((rung for rung in rungs if wish.subscription.is_at(rung)), None)
    hint: Hint = "motion" if publication.hint == "motion" or wish.source == "camera" else "detail"
    return Demand(key, wish.source, wish.width, wish.height, rungs, current, hint)


def _share(demands: Sequence[Demand], rungs: Mapping[Hashable, Rung | None]) -> float | None:
    """The part of the pictures asked for that is sent, by bitrate; None where no picture is."""
    full = {one.key: rung for one in demands if one.source in _PICTURES and (rung := highest(one))}
    asked = sum(rung.bitrate_bps for rung in full.values())
    given = sum(rung.bitrate_bps for key in full if (rung := rungs[key]) is not None)
    return min(1.0, given / asked) if asked else None
