"""The event store: each meeting's append-only log."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.errors import BadEvent
from rooms.events import (
    Event,
    MeetingEnded,
    MeetingStarted,
    ParticipantJoined,
    ParticipantLeft,
    RecordingStarted,
    RecordingStopped,
    from_data,
)
from rooms.ids import MeetingId
from rooms.log import GENESIS, LoggedEvent
from rooms.state import MeetingPhase
from server.storage import tables
from server.storage.database import Database
from server.storage.errors import SequenceConflict

_READ_ALL = 1_000_000_000


class EventStore:
    """Appends and reads. Nothing here changes or deletes an event."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, events: Sequence[LoggedEvent]) -> None:
        """Store events of one meeting that follow its last one. On return they survive a crash and a power
        cut.

        All or none is stored. Raises SequenceConflict when they do not continue the stored chain. A caller
        that is cancelled cannot know which: append from a task that nobody cancels half-way.
        """
        if not events:
            return
        async with self._database.write() as connection:
            await append(connection, events)

    async def read(self, meeting_id: str, after: int = 0, limit: int = _READ_ALL) -> list[LoggedEvent]:
        """Return the events with `seq` greater than `after`, in order. Raises rooms' BadEvent for a damaged
        one."""
        table = tables.events
        query = select(table).where(table.c.meeting_id == meeting_id, table.c.seq > after)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(table.c.seq).limit(limit))).all()
        # A day's log takes a good part of a second to parse: not on the loop.
        return await asyncio.to_thread(lambda: [_logged(row) for row in rows])

    async def occupied(self) -> list[MeetingId]:
        """Return the meetings that somebody has joined and not left, or whose recording was not stopped."""
        table = tables.events
        begins = [ParticipantJoined.__name__, RecordingStarted.__name__]
        ends = [ParticipantLeft.__name__, RecordingStopped.__name__]
        balance = func.sum(case((table.c.type.in_(begins), 1), (table.c.type.in_(ends), -1), else_=0))
        running = tables.meetings.c.state == MeetingPhase.RUNNING.value
        query = select(table.c.meeting_id).join_from(table, tables.meetings).where(running)
        async with self._database.read() as connection:
            found = await connection.execute(query.group_by(table.c.meeting_id).having(balance > 0))
            return [MeetingId(meeting_id) for meeting_id in found.scalars()]

    async def names(self, meeting_id: str) -> dict[str, str]:
        """Return who ever took part: participant id → name, in the order of first coming."""
        table = tables.events
        query = select(table.c.data).where(
            table.c.meeting_id == meeting_id, table.c.type == ParticipantJoined.__name__
        )
        async with self._database.read() as connection:
            joined = (await connection.execute(query.order_by(table.c.seq))).scalars()
            data = [json.loads(text) for text in joined]
        return {participant["participant_id"]: participant["name"] for participant in data}


async def append(connection: AsyncConnection, events: Sequence[LoggedEvent]) -> None:
    """Append within a transaction that is already open, and keep the meeting's row true to its log."""
    await _check_continues(connection, events)
    try:
        await connection.execute(insert(tables.events), [_row(event) for event in events])
    except IntegrityError as error:
        raise SequenceConflict(f"meeting {events[0].meeting_id} has no place for {events[0].seq}") from error
    await _project_state(connection, events)
    await _move_head(connection, events)


async def _check_continues(connection: AsyncConnection, events: Sequence[LoggedEvent]) -> None:
    """The hash chain shows damage; this stops us from causing it."""
    table = tables.events
    query = select(table.c.seq, table.c.hash).where(table.c.meeting_id == events[0].meeting_id)
    last = (await connection.execute(query.order_by(table.c.seq.desc()).limit(1))).first()
    seq, last_hash = (last.seq, last.hash) if last else (0, GENESIS)
    for event in events:
        if event.meeting_id != events[0].meeting_id or event.seq != seq + 1:
            raise SequenceConflict(f"event {event.seq} of {event.meeting_id} does not follow {seq}")
        if event.previous_hash != last_hash:
            raise SequenceConflict(f"event {event.seq} of {event.meeting_id} does not continue the chain")
        seq, last_hash = event.seq, event.hash


async def _project_state(connection: AsyncConnection, events: Sequence[LoggedEvent]) -> None:
    """The list of meetings shows their state without reading their logs."""
    for event in events:
        values: dict[str, Any] = {}
        if isinstance(event.event, MeetingStarted):
            values = {"state": "running", "started_at": event.time}
        elif isinstance(event.event, MeetingEnded):
            values = {"state": "ended", "ended_at": event.time}
        if values:
            table = tables.meetings
            await connection.execute(
                update(table).where(table.c.meeting_id == event.meeting_id).values(values)
            )


async def _move_head(connection: AsyncConnection, events: Sequence[LoggedEvent]) -> None:
    """From where the head is only: a log that was cut meanwhile goes on, but stays known as cut."""
    table, first, last = tables.meetings, events[0], events[-1]
    await connection.execute(
        update(table)
        .where(
            table.c.meeting_id == first.meeting_id,
            table.c.head_seq == first.seq - 1,
            table.c.head_hash == first.previous_hash,
        )
        .values(head_seq=last.seq, head_hash=last.hash)
    )


def _row(event: LoggedEvent) -> dict[str, Any]:
    return {
        "meeting_id": event.meeting_id,
        "seq": event.seq,
        "time": event.time,
        "meeting_ms": event.meeting_ms,
        "actor": event.actor,
        "type": event.type,
        "data": json.dumps(event.data, ensure_ascii=False, separators=(",", ":")),
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def _logged(row: Row[Any]) -> LoggedEvent:
    return LoggedEvent(
        meeting_id=row.meeting_id,
        seq=row.seq,
        time=row.time,
        meeting_ms=row.meeting_ms,
        actor=row.actor,
        event=_event(row),
        previous_hash=row.previous_hash,
        hash=row.hash,
    )


def _event(row: Row[Any]) -> Event:
    """Raises BadEvent with the number of the event that is damaged."""
    try:
        return from_data(row.type, json.loads(row.data))
    except (ValueError, BadEvent) as error:
        raise BadEvent(f"event {row.seq}: {error}") from error
