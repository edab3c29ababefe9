"""The hash chain over a meeting's events: whoever changes, removes or reorders one breaks it from there on.

The hash of an event is SHA-256 over its canonical JSON (RFC 8785 for the values used here: sorted keys, no
white space, UTF-8), which holds the hash of the event before. The first one names GENESIS.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from rooms.errors import BrokenChain
from rooms.events import Event, to_data
from rooms.ids import MeetingId

GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant by both clocks: the wall's, in UTC, and the meeting's, which never jumps."""

    time: datetime
    meeting_ms: int
    """Milliseconds since the meeting's first event, by a monotonic clock."""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event in its place. `seq` counts from 1; `actor` is a participant id, a user id or `system`."""

    meeting_id: MeetingId
    seq: int
    time: datetime
    meeting_ms: int
    actor: str
    event: Event
    previous_hash: str
    hash: str

    @property
    def type(self) -> str:
        return type(self.event).__name__

    @property
    def data(self) -> dict[str, Any]:
        return to_data(self.event)

    @property
    def moment(self) -> Moment:
        return Moment(self.time, self.meeting_ms)

    def to_json(self) -> dict[str, Any]:
        """Return the shape in which clients get events."""
        return {
            "seq": self.seq,
            "time": iso(self.time),
            "meeting_ms": self.meeting_ms,
            "actor": self.actor,
            "type": self.type,
            "data": self.data,
        }

    def computed_hash(self) -> str:
        """Return the hash that what is written here ought to have."""
        content = {**self.to_json(), "meeting_id": self.meeting_id, "previous_hash": self.previous_hash}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def chain(
    previous: LoggedEvent | None, meeting_id: MeetingId, actor: str, events: Sequence[Event], now: Moment
) -> list[LoggedEvent]:
    """Put events into their places after `previous`, all at one moment.

    Times are cut to milliseconds, as they are written, so that a log read back has the same hashes.
    """
    seq, previous_hash = (previous.seq, previous.hash) if previous else (0, GENESIS)
    time = now.time.astimezone(UTC)
    time = time.replace(microsecond=time.microsecond // 1000 * 1000)
    logged = []
    for event in events:
        seq += 1
        unsealed = LoggedEvent(meeting_id, seq, time, now.meeting_ms, actor, event, previous_hash, "")
        sealed = replace(unsealed, hash=unsealed.computed_hash())
        logged.append(sealed)
        previous_hash = sealed.hash
    return logged


def verify(events: Iterable[LoggedEvent]) -> None:
    """Check a log from its beginning. Raises BrokenChain with the first wrong number.

    A log cut off at its end is whole as far as it goes: keep the last hash elsewhere (the minutes carry it).
    """
    previous: LoggedEvent | None = None
    for seq, logged in enumerate(events, 1):
        if logged.seq != seq or not _follows(previous, logged) or logged.computed_hash() != logged.hash:
            raise BrokenChain(seq)
        previous = logged


def iso(time: datetime) -> str:
    """Return an instant as the protocol writes it: `2026-11-22T01:02:03.004Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _follows(previous: LoggedEvent | None, logged: LoggedEvent) -> bool:
    if previous is None:
        return logged.previous_hash == GENESIS
    return (logged.meeting_id, logged.previous_hash) == (previous.meeting_id, previous.hash)
