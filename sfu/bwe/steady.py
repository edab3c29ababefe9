"""Arrivals as a steady line would have them: what a sender is told does not tell of the line's jitter.

A browser takes a delay that rises for a tenth of a second for a queue of its own making. On radio, where the delay
swings by itself, its estimate then falls to next to nothing on a line that bears everything (RFC 8867 has 30 ms).
"""

from math import inf
from typing import Final

# abs-send-time counts seconds in 6.18 fixed point.
_UNITS_PER_S: Final = 1 << 18
_CYCLE_S: Final = 64.0
# A queue that long is no harm, and it is not told of.
HIDDEN_S: Final = 0.06
# What leaves within this time is told of as it came: how far a burst is drawn out shows what the line bears.
BURST_S: Final = 0.03
# The shortest delay may grow by so much a second, for clocks drift and routes change. What is told then grows as
# slowly, which no sender takes for a queue.
RISE: Final = 0.01
# A delay that grows by this from one burst to the next has found a longer way, unless it did so a moment ago: the
# queue of a line that is too narrow grows on.
STEP_S: Final = 0.1
STEADY_S: Final = 5.0
# A longer way shows itself, too, by delays that never were so short as before for so long, and do not grow.
ROUND_S: Final = 1.0
FLAT_S: Final = 0.1


class SteadyArrivals:
    """Shifts arrivals by how much longer than at its best the way took, up to `HIDDEN_S`; all of a burst alike."""

    def __init__(self) -> None:
        self._shortest: float | None = None
        self._seen_at = self._sent_at = 0.0
        self._excess = self._shift = 0.0
        self._stepped_at = float("-inf")
        self._least, self._most, self._round_began = inf, 0.0, 0.0

    def arrived(self, send_time: int, now: float) -> float:
        """When to say that a packet came which came `now` (s) and left at `send_time` (abs-send-time, 24 bits)."""
        sent_at = send_time / _UNITS_PER_S
        if self._shortest is None or not 0 <= (sent_at - self._sent_at) % _CYCLE_S < BURST_S:
            self._sent_at = sent_at
            self._see(now - sent_at, now)
        return now - self._shift

    def _see(self, delay: float, now: float) -> None:
        """The delay of a burst's first packet."""
        if self._shortest is None:
            self._shortest, self._seen_at = delay, now
        self._shortest += RISE * (now - self._seen_at)
        self._seen_at = now
        excess = (delay - self._shortest + _CYCLE_S / 2) % _CYCLE_S - _CYCLE_S / 2
        if excess - self._excess > STEP_S and now - self._stepped_at > STEADY_S:
            self._stepped_at = now
            self._shortest += excess - self._excess
            excess = self._excess
        elif excess < 0:
            self._shortest += excess
            excess = 0.0
        self._excess, self._shift = excess, min(HIDDEN_S, excess)
        self._look_back(excess, now)

    def _look_back(self, excess: float, now: float) -> None:
        """At the end of a round, take a delay that lasts for the shortest there is."""
        self._least, self._most = min(self._least, excess), max(self._most, excess)
        if now - self._round_began < ROUND_S:
            return
        if self._shortest is not None and self._least > HIDDEN_S and self._most - self._least < FLAT_S:
            self._shortest += self._least
            self._excess -= self._least
        self._least, self._most, self._round_began = inf, 0.0, now
