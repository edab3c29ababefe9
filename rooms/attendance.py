"""Who was present from when to when: a projection of the log, evidence for the minutes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rooms.events import (
    ParticipantDisconnected,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantReconnected,
)
from rooms.ids import ParticipantId
from rooms.log import LoggedEvent, Moment
from rooms.participant import Kind, LeaveReason
from rooms.permissions import Role


@dataclass(frozen=True, slots=True)
class Interruption:
    """A connection that was lost within a presence; `back` is None when it never came back."""

    lost: Moment
    back: Moment | None


@dataclass(frozen=True, slots=True)
class Interval:
    """One presence. `left` and `reason` are None while it lasts.

    Who was cut off and never came back was present until the cut, not until the seat was given up.
    """

    joined: Moment
    left: Moment | None
    reason: LeaveReason | None
    interruptions: tuple[Interruption, ...]

    @property
    def duration_ms(self) -> int:
        """Milliseconds by the meeting's clock; 0 while the presence lasts."""
        return self.left.meeting_ms - self.joined.meeting_ms if self.left else 0


@dataclass(frozen=True, slots=True)
class Attendance:
    """One participant's presences, under the name, role and kind they had last."""

    participant_id: ParticipantId
    name: str
    role: Role
    kind: Kind
    intervals: tuple[Interval, ...]

    @property
    def total_ms(self) -> int:
        return sum(interval.duration_ms for interval in self.intervals)


def attendance(log: Iterable[LoggedEvent]) -> list[Attendance]:
    """Return everybody who ever came, in the order of first coming."""
    rows: dict[ParticipantId, _Row] = {}
    for logged in log:
        event = logged.event
        if isinstance(event, ParticipantJoined):
            rows.setdefault(event.participant_id, _Row()).join(event, logged.moment)
        elif isinstance(event, ParticipantDisconnected):
            rows[event.participant_id].lose(logged.moment)
        elif isinstance(event, ParticipantReconnected):
            rows[event.participant_id].return_(logged.moment)
        elif isinstance(event, ParticipantLeft):
            rows[event.participant_id].leave(logged.moment, event.reason)
    return [row.finish() for row in rows.values()]


@dataclass(slots=True)
class _Row:
    """An attendance being gathered; `joined` is None between two presences, `lost` while connected."""

    seat: ParticipantJoined | None = None
    joined: Moment | None = None
    lost: Moment | None = None
    interruptions: list[Interruption] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)

    def join(self, event: ParticipantJoined, now: Moment) -> None:
        self.seat, self.joined = event, now

    def lose(self, now: Moment) -> None:
        self.lost = now

    def return_(self, now: Moment) -> None:
        if self.lost:
            self.interruptions.append(Interruption(self.lost, now))
        self.lost = None

    def leave(self, now: Moment | None, reason: LeaveReason | None) -> None:
        if self.joined is None:
            return
        if self.lost:
            self.interruptions.append(Interruption(self.lost, None))
        left = (self.lost or now) if now else None
        self.intervals.append(Interval(self.joined, left, reason, tuple(self.interruptions)))
        self.joined = self.lost = None
        self.interruptions.clear()

    def finish(self) -> Attendance:
        assert self.seat is not None, "a row begins with a joining"
        self.leave(None, None)
        seat = self.seat
        return Attendance(seat.participant_id, seat.name, seat.role, seat.kind, tuple(self.intervals))
