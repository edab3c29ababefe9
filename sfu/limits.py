"""Small guards against doing too much: used wherever a stranger could make us work or write."""

import logging
import time
from collections.abc import Callable


class LogLimiter:
    """Write at most one line a second, so that a flood of bad packets cannot fill the disk."""

    def __init__(self, logger: logging.Logger, interval_s: float = 1.0) -> None:
        self._logger = logger
        self._interval_s = interval_s
        self._next = 0.0
        self._suppressed = 0

    def exception(self, message: str, *args: object) -> None:
        """Log the exception being handled, with the number of lines left out since the last one."""
        self._write(self._logger.exception, message, args)

    def warning(self, message: str, *args: object) -> None:
        """Log what somebody did that nobody should, with the number of lines left out since the last one."""
        self._write(self._logger.warning, message, args)

    def _write(self, write: Callable[..., None], message: str, args: tuple[object, ...]) -> None:
        now = time.monotonic()
        if now < self._next:
            self._suppressed += 1
            return
        self._next = now + self._interval_s
        write(f"{message} (%d more not shown)", *args, self._suppressed)
        self._suppressed = 0


class TokenBucket:
    """A rate with room for a burst, refilled by the passing of time (s); it has no clock of its own."""

    __slots__ = ("_last", "burst", "rate", "tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self.tokens = burst
        self._last = now

    def take(self, amount: float, now: float) -> bool:
        """Take `amount` if there is as much. Otherwise take nothing."""
        self.tokens = min(self.burst, self.tokens + (now - self._last) * self.rate)
        self._last = now
        if amount > self.tokens:
            return False
        self.tokens -= amount
        return True
