"""Giving memory back to the system that handshakes and ended peers have left free."""

import ctypes
from typing import Final

# Walking through the heap holds up packets: below a millisecond at 50 MB, 1 to 4 at 200 MB, 6 to 17 at 600 MB.
INTERVAL_S: Final = 10.0
# By then the last handshake is forgotten, too, and what it left is given back once more.
UNSTEADY_S: Final = 25.0

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


class Memory:
    """Trims the heap after peers have come or gone, not while a meeting is steady. Only glibc has something to trim."""

    def __init__(self) -> None:
        self._peers = 0
        self._changed_at = self._trimmed_at = float("-inf")

    def tick(self, now: float, peers: int) -> None:
        """Call this as often as you like, with how many peers there are."""
        if peers != self._peers:
            self._peers, self._changed_at = peers, now
        due = now - self._trimmed_at >= INTERVAL_S and now - self._changed_at <= UNSTEADY_S
        if _trim is not None and due:
            self._trimmed_at = now
            _trim(0)
