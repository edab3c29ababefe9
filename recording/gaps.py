"""Holes in a file: from when to when, and why. Milliseconds since the recording began."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

# Holes this near to each other are heard and seen as one bad stretch.
NEAR_MS: Final = 1000
# What one file's account may have: the list travels in one message, and people read it.
MOST_GAPS: Final = 500


class Reason(StrEnum):
    """Why media is missing."""

    LOSS = "loss"
    """The network lost packets and no retransmission came; for a picture, until the next keyframe."""
    OVERLOAD = "overload"
    """The recorder could not keep up with the SFU."""
    DAMAGED = "damaged"
    """The publisher sent what no decoder takes."""
    MUTED = "muted"
    """The meeting muted the track."""
    PAUSED = "paused"
    """The recording was paused."""
    NOT_SENT = "not_sent"
    """The publisher sent nothing."""
    DISK_FULL = "disk_full"
    """There was no room."""
    DISK_SLOW = "disk_slow"
    """The disk could not keep up."""
    WRITE_FAILED = "write_failed"
    """Writing failed for another reason."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole [start_ms, end_ms), or a stretch with several: `missing_ms` of it are really missing."""

    start_ms: int
    end_ms: int
    reason: str
    missing_ms: int

    @classmethod
    def whole(cls, start_ms: int, end_ms: int, reason: str) -> Self:
        """A hole in which nothing is left."""
        return cls(start_ms, end_ms, reason, end_ms - start_ms)

    @classmethod
    def parse(cls, entry: dict[str, Any]) -> Self:
        """As `as_dict` wrote it; an older one has no `missing_ms` and is whole. Raises KeyError."""
        start_ms, end_ms = entry["start_ms"], entry["end_ms"]
        return cls(start_ms, end_ms, entry["reason"], entry.get("missing_ms", end_ms - start_ms))

    def as_dict(self) -> dict[str, int | str]:
        """As it travels to the server and the meeting's log."""
        return {
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "reason": str(self.reason),
            "missing_ms": self.missing_ms,
        }

    def until(self, end_ms: int) -> "Gap":
        """The part of it before this moment."""
        end_ms = min(self.end_ms, end_ms)
        return Gap(self.start_ms, end_ms, self.reason, min(self.missing_ms, end_ms - self.start_ms))

    def join(self, later: "Gap") -> "Gap":
        """One stretch with both holes."""
        start_ms, end_ms = min(self.start_ms, later.start_ms), max(self.end_ms, later.end_ms)
        missing_ms = min(self.missing_ms + later.missing_ms, end_ms - start_ms)
        return Gap(start_ms, end_ms, self.reason, missing_ms)


class GapList:
    """The holes of one file, as they came. Neighbours of one reason are joined while they are near to each other.

    Near is NEAR_MS, doubled whenever there are more than MOST_GAPS: a microphone that loses packets for hours
    has a list that can still be sent and read.
    """

    def __init__(self, gaps: Iterable[Gap] = ()) -> None:
        self._near_ms = NEAR_MS
        self._latest: dict[str, int] = {}
        self._gaps: list[Gap] = []
        for gap in gaps:
            self.add(gap)

    def add(self, gap: Gap) -> None:
        """Add a hole that begins no earlier than the last one of its reason."""
        self._join(gap)
        while len(self._gaps) > MOST_GAPS:
            self._near_ms *= 2
            gaps, self._gaps = self._gaps, []
            self._latest.clear()
            for one in gaps:
                self._join(one)

    def in_order(self) -> list[Gap]:
        """By their beginnings."""
        return sorted(self._gaps, key=lambda gap: (gap.start_ms, gap.end_ms))

    def _join(self, gap: Gap) -> None:
        at = self._latest.get(gap.reason)
        if at is not None and gap.start_ms - self._gaps[at].end_ms < self._near_ms:
            self._gaps[at] = self._gaps[at].join(gap)
        else:
            self._latest[gap.reason] = len(self._gaps)
            self._gaps.append(gap)


class Pauses:
    """When the recording was paused: intervals in ms since it began, the last perhaps open."""

    def __init__(self) -> None:
        self._intervals: list[tuple[int, int | None]] = []

    def begin(self, at_ms: int) -> None:
        """Pause; while paused, nothing."""
        if not self._intervals or self._intervals[-1][1] is not None:
            self._intervals.append((at_ms, None))

    def end(self, at_ms: int) -> None:
        """Resume; while running, nothing."""
        if self._intervals and self._intervals[-1][1] is None:
            self._intervals[-1] = (self._intervals[-1][0], at_ms)

    def covers(self, at_ms: int) -> bool:
        """Whether what was captured at this moment must not be written."""
        return any(
            start <= at_ms and (end is None or at_ms < end) for start, end in reversed(self._intervals)
        )

    def between(self, start_ms: int, end_ms: int) -> int | None:
        """When the first pause within (start_ms, end_ms] began, None without one."""
        inside = (
            start for start, end in self._intervals if start < end_ms and (end is None or end > start_ms)
        )
        return next(inside, None)
