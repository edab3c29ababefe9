"""How late the read loop gets to its work: what everybody in every meeting of this worker waits for."""

from collections import deque
from typing import Final

# The last minute, at twenty turns a second.
_REMEMBERED: Final = 1200


class LoopLag:
    """Fed with how much later than asked each turn of the clock came, in seconds."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=_REMEMBERED)

    def add(self, late_s: float) -> None:
        """One turn more."""
        self._late.append(max(0.0, late_s))

    def stats(self) -> dict[str, float]:
        """The worst, and what one turn in a hundred exceeds, of the last minute."""
        late = sorted(self._late) or [0.0]
        return {"p99": late[int(0.99 * (len(late) - 1))], "max": late[-1]}
