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
SMOOTHING: Final = 0.3
# What loss must exceed the link's own by: this, and what chance explains of so few packets.
MARGIN: Final = 0.03
DEVIATIONS: Final = 2.5
# A trial that leaves more than this share of the loss has shown that it is not ours.
HELPED: Final = 0.6
SETTLE_S: Final = 0.2
TRIAL_FACTOR: Final = 0.95
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
        self._updated_at = 0.0

    @property
    def bound_bps(self) -> float:
        """The most that should be sent."""
        beyond = self.loss - TOLERATED
        return min(self._trial_bps, BALANCE_BPS / beyond) if beyond > 0 else self._trial_bps

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
        if self._packets < LEAST_PACKETS or now - self._since < WINDOW_S:
            return
        fraction = min(1.0, self._lost / self._packets)
        margin = MARGIN + DEVIATIONS * sqrt(fraction * (1 - fraction) / self._packets)
        self._clear(now)
        self.loss += SMOOTHING * (fraction - self.loss)
        if fraction < self.inherent:
            self.inherent += SMOOTHING * (fraction - self.inherent)
        if self._before is not None:
            self._conclude(fraction)
        elif fraction - self.inherent > margin and may_try and proven_bps is not None:
            self._before = fraction
            self._trial_bps = TRIAL_FACTOR * min(bitrate_bps, proven_bps)
            # What is on its way left at the old rate.
            self._clear(now + rtt_s + SETTLE_S)

    def _grow(self, bitrate_bps: float, now: float) -> None:
        self._trial_bps *= INCREASE ** min(1.0, now - self._updated_at)
        if self._trial_bps > bitrate_bps:
            self._trial_bps = inf

    def _conclude(self, fraction: float) -> None:
        assert self._before is not None
        if fraction > HELPED * self._before:
            self.inherent = min(fraction, self._before)
            self._trial_bps = inf
        self._before = None

    def raise_to(self, bitrate_bps: float) -> None:
        """A probe came through with this rate."""
        if bitrate_bps > self._trial_bps:
            self._trial_bps, self._before = inf, None

    def _clear(self, since: float) -> None:
        self._packets, self._lost, self._since = 0, 0, since
