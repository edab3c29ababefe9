"""A token bucket: so many now, so many a second."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """Allows `burst` takes at once and `rate` a second in the long run. The clock is monotonic, in seconds."""

    def __init__(self, rate_per_s: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._filled_at = clock()

    def take(self) -> bool:
        """Take one token; False when there is none."""
        if self.wait_s() > 0:
            return False
        self._tokens -= 1
        return True

    def give_back(self) -> None:
        """Return a token that turned out not to count."""
        self._tokens = min(self._burst, self._tokens + 1)

    def wait_s(self) -> float:
        """How many seconds it takes until there is a token; 0 when there is one."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate_per_s)
        self._filled_at = now
        return max(0.0, (1 - self._tokens) / self._rate_per_s)
