"""The bound that loss sets, and whether loss is ours to mend by sending less.

A link may lose packets whatever we send (radio), or because of what we send (a policer, a queue so short that
the delay tells nothing). Only trying tells: when loss rises, the rate is lowered to what arrives. If the loss
goes away, it was ours and the bound stays, to rise slowly; if it stays, it is the link's own and the bound goes.
"""

from math import inf, sqrt
from typing import Final

# A fraction is judged over at least this time and number of packets.
WINDOW_S: Final = 0.5
LEAST_PACKETS: Final = 20
# The weight of a new fraction, less if it is of fewer packets than these.
SMOOTHING: Final = 0.3
FULL_PACKETS: Final = 200
# What loss must exceed the link's own by: this, and what chance explains of so few packets.
MARGIN: Final = 0.03
DEVIATIONS: Final = 2.5
# A trial that leaves more than this share of the loss has shown that it is not ours.
HELPED: Final = 0.6
SETTLE_S: Final = 0.2
TRIAL_FACTOR: Final = 0.95
# Audio and the lowest layer of video are not tried without, unless the loss is worse than this.
LEAST_TRIAL_BPS: Final = 200_000.0
SEVERE: Final = 0.4
# After a trial that showed the loss to be the link's own, not again for so long, twice as long each time.
PATIENCE_S: Final = 10.0
MOST_PATIENCE_S: Final = 80.0
INCREASE: Final = 1.08
# A link that loses more than a tenth gets fewer packets a frame, so that repairing ends: 1 Mbit/s at 20 %,
# 0.5 Mbit/s at 30 %. libwebrtc bounds by a like formula, with less.
TOLERATED: Final = 0.1
BALANCE_BPS: Final = 100_000.0


class LossControl:
    """`bound_bps` is what loss allows, infinite mostly; `loss` the smoothed fraction, `inherent` the link's own."""

    def __init__(self) -> None:
        self.loss = 0.0
        self.inherent = 0.0
        self._trial_bps = inf
        self._packets, self._lost, self._since = 0, 0, 0.0
        self._before: float | None = None
        self._updated_at = self._next_trial_at = 0.0
        self._patience_s = PATIENCE_S

    @property
    def bound_bps(self) -> float:
        """The most that should be sent."""
        beyond = self.loss - TOLERATED
        return min(self._trial_bps, BALANCE_BPS / beyond) if beyond > 0 else self._trial_bps

    @property
    def is_great(self) -> bool:
        """Whether the link loses more than a tenth."""
        return self.loss > TOLERATED

    @property
    def trying(self) -> bool:
        """Whether a trial is under way."""
        return self._before is not None

    def add(self, packets: int, lost: int) -> None:
        """So many packets more were told of, so many of them as lost."""
        self._packets += packets
        self._lost = max(0, self._lost + lost)

    def update(
        self, proven_bps: float | None, bitrate_bps: float, may_try: bool, rtt_s: float, now: float
    ) -> None:
        """Judge when enough is known. `may_try` is False while the delay leads the rate anyway."""
        if self._trial_bps < inf and not self.trying:
            self._grow(bitrate_bps, now)
        self._updated_at = now
        if now < self._since:
            # What is told of left before the trial began.
            self._clear(self._since)
        if self._packets < LEAST_PACKETS or now - self._since < WINDOW_S:
            return
        fraction = min(1.0, self._lost / self._packets)
        beyond = self._learn(fraction, self._packets)
        self._clear(now)
        if self._before is not None:
            self._conclude(fraction, now)
        elif beyond and may_try and now >= self._next_trial_at and proven_bps is not None:
            self._try(fraction, min(bitrate_bps, proven_bps), rtt_s, now)

    def _learn(self, fraction: float, packets: int) -> bool:
        """Take a fraction in; True if it is more than the link's own and chance explain."""
        weight = min(SMOOTHING, packets / FULL_PACKETS)
        self.loss += weight * (fraction - self.loss)
        margin = MARGIN + DEVIATIONS * sqrt(fraction * (1 - fraction) / packets)
        if fraction > self.inherent + margin:
            return True
        self.inherent += weight * (fraction - self.inherent)
        if self.loss < MARGIN:
            self._patience_s = PATIENCE_S
        return False

    def _try(self, fraction: float, proven_bps: float, rtt_s: float, now: float) -> None:
        least = LEAST_TRIAL_BPS if self.loss < SEVERE else 0.0
        self._before = fraction
        self._trial_bps = max(least, TRIAL_FACTOR * proven_bps)
        self._clear(now + rtt_s + SETTLE_S)

    def _grow(self, bitrate_bps: float, now: float) -> None:
        self._trial_bps *= INCREASE ** min(1.0, now - self._updated_at)
        if self._trial_bps > bitrate_bps:
            self._trial_bps = inf

    def _conclude(self, fraction: float, now: float) -> None:
        assert self._before is not None
        if fraction > HELPED * self._before:
            self.inherent = min(fraction, self._before)
            self._trial_bps = inf
            self._next_trial_at = now + self._patience_s
            self._patience_s = min(MOST_PATIENCE_S, 2 * self._patience_s)
        self._before = None

    def raise_to(self, bitrate_bps: float) -> None:
        """A probe came through with this rate."""
        if bitrate_bps > self._trial_bps:
            self._trial_bps, self._before = inf, None

    def _clear(self, since: float) -> None:
        self._packets, self._lost, self._since = 0, 0, since
