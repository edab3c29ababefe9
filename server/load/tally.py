"""What came of one stream, by its sequence numbers; and where a share of many values lies."""

from collections.abc import Sequence

# A number that is missing for longer than this is not awaited any more.
_MOST_AWAITED = 4_096


class Tally:
    """`received` counts each packet once; `lost` are the holes that are still open (RFC 3550, 6.4.1)."""

    __slots__ = ("_awaited", "_highest", "duplicated", "lost", "received", "reordered")

    def __init__(self) -> None:
        self.received = self.lost = self.duplicated = self.reordered = 0
        self._highest: int | None = None
        self._awaited: set[int] = set()

    @property
    def highest(self) -> int:
        """The latest sequence number; 0 before the first."""
        return self._highest or 0

    def take(self, sequence: int) -> None:
        """Count one packet."""
        highest = self._highest
        ahead = 1 if highest is None else sequence - highest & 0xFFFF
        if ahead == 1:
            self._highest = sequence
            self.received += 1
        elif 0 < ahead < 0x8000:
            self._skip(sequence, ahead)
        else:
            self._late(sequence)

    def _skip(self, sequence: int, ahead: int) -> None:
        if len(self._awaited) > _MOST_AWAITED:
            self._awaited.clear()
        self._awaited |= {sequence - back & 0xFFFF for back in range(1, ahead)}
        self.lost += ahead - 1
        self.received += 1
        self._highest = sequence

    def _late(self, sequence: int) -> None:
        if sequence not in self._awaited:
            self.duplicated += 1
            return
        self._awaited.remove(sequence)
        self.lost -= 1
        self.received += 1
        self.reordered += 1

    def restart(self) -> None:
        """Count from nothing; the stream goes on."""
        self.received = self.lost = self.duplicated = self.reordered = 0
        self._awaited.clear()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed; 0 where there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
