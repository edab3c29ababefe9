"""Holes in a file: from when to when, and why. Milliseconds since the recording began."""

from dataclasses import dataclass
from enum import StrEnum


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
    SIZE_CHANGES = "size_changes"
    """The picture changed its size more often than files may begin."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole [start_ms, end_ms)."""

    start_ms: int
    end_ms: int
    reason: str

    def as_dict(self) -> dict[str, int | str]:
        """As it travels to the server and the meeting's log."""
        return {"start_ms": self.start_ms, "end_ms": self.end_ms, "reason": str(self.reason)}


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
