"""How much of what was sent arrives: the rate that is proven."""

from collections import deque
from typing import Final

from sfu.transport_feedback import TICK_S

WINDOW_S: Final = 0.5
# Less than this says nothing yet.
LEAST_SPAN_S: Final = 0.2
MOST_LEAP_S: Final = 1.0


class Throughput:
    """The rate of arrival over the last half second, by the receiver's clock."""

    def __init__(self) -> None:
        self._batches: deque[tuple[float, float]] = deque()
        self._octets = 0.0
        self.rate_bps: float | None = None

    def add(self, octets: float, last_tick: int) -> None:
        """So many bytes arrived, the last of them at `last_tick` (250 µs)."""
        at = last_tick * TICK_S
        batches = self._batches
        if batches and not abs(at - batches[-1][0]) < MOST_LEAP_S:
            # A clock that leaps or a long silence: what was before cannot be joined to it.
            batches.clear()
            self._octets = octets = 0.0
        elif batches:
            at = max(at, batches[-1][0])
        batches.append((at, octets))
        self._octets += octets
        while len(batches) > 2 and at - batches[1][0] >= WINDOW_S:
            self._octets -= batches.popleft()[1]
        span = at - batches[0][0]
        if span >= LEAST_SPAN_S:
            # The bytes of the oldest batch arrived before the time that is measured.
            self.rate_bps = (self._octets - batches[0][1]) * 8 / span
