"""Meetings: who made them, and how they are found. What happened in one is in its log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select
from sqlalchemy.exc import IntegrityError

from rooms.ids import MeetingId, UserId
from rooms.log import LoggedEvent
from server.storage import tables
from server.storage.database import Database
from server.storage.errors import AlreadyExists
from server.storage.events import append
from server.storage.text import search_key
from server.storage.users import User


@dataclass(frozen=True, slots=True)
class MeetingRow:
    """A meeting as lists show it; `state` and the times follow its log."""

    meeting_id: MeetingId
    code: str
    title: str
    created_by: UserId
    created_at: datetime
    state: str = "planned"
    started_at: datetime | None = None
    ended_at: datetime | None = None

    def is_managed_by(self, user: User) -> bool:
        """A manager of a meeting is who created it, or an administrator."""
        return user.is_admin or user.user_id == self.created_by


@dataclass(frozen=True, slots=True)
class Head:
    """The last event that was stored of a meeting, by its number and hash."""

    meeting_id: MeetingId
    seq: int
    hash: str


class Meetings:
    """The rows of all meetings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, meeting: MeetingRow, events: Sequence[LoggedEvent]) -> None:
        """Store a new meeting with its first events, in one transaction. Raises AlreadyExists."""
        async with self._database.write() as connection:
            try:
                await connection.execute(insert(tables.meetings).values(_values(meeting)))
            except IntegrityError as error:
                raise AlreadyExists(f"meeting {meeting.meeting_id}, or its code") from error
            await append(connection, events)

    async def get(self, meeting_id: str) -> MeetingRow | None:
        """Return the meeting of this id."""
        return await self._one(select(tables.meetings).where(tables.meetings.c.meeting_id == meeting_id))

    async def by_code(self, code: str) -> MeetingRow | None:
        """Return the meeting whose link this code makes; case does not matter, people read codes aloud."""
        return await self._one(select(tables.meetings).where(tables.meetings.c.code == code.lower()))

    async def list_for(self, user: User, limit: int = 100, offset: int = 0) -> list[MeetingRow]:
        """Return the meetings that the user manages, newest first."""
        table = tables.meetings
        query = (
            select(table).order_by(table.c.created_at.desc(), table.c.meeting_id).limit(limit).offset(offset)
        )
        if not user.is_admin:
            query = query.where(table.c.created_by == user.user_id)
        async with self._database.read() as connection:
            return [to_meeting(row) for row in await connection.execute(query)]

    async def heads(self) -> list[Head]:
        """Return where the log of each meeting ends, oldest meeting first."""
        table = tables.meetings
        query = select(table.c.meeting_id, table.c.head_seq, table.c.head_hash).order_by(table.c.created_at)
        async with self._database.read() as connection:
            return [Head(MeetingId(row[0]), row[1], row[2]) for row in await connection.execute(query)]

    async def _one(self, query: Select[Any]) -> MeetingRow | None:
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return to_meeting(row) if row else None


def _values(meeting: MeetingRow) -> dict[str, Any]:
    return {
        "meeting_id": meeting.meeting_id,
        "code": meeting.code,
        "title": meeting.title,
        "title_key": search_key(meeting.title),
        "created_by": meeting.created_by,
        "created_at": meeting.created_at,
        "state": meeting.state,
    }


def to_meeting(row: Row[Any]) -> MeetingRow:
    """Return the meeting that a row of `meetings` tells of."""
    return MeetingRow(
        MeetingId(row.meeting_id),
        row.code,
        row.title,
        UserId(row.created_by),
        row.created_at,
        row.state,
        row.started_at,
        row.ended_at,
    )
