"""Recordings: the archive's list, and the files of each."""

import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from rooms.ids import MeetingId, RecordingId
from server.storage import tables
from server.storage.database import Database
from server.storage.errors import AlreadyExists
from server.storage.meetings import MeetingRow, to_meeting
from server.storage.text import search_key
from server.storage.users import User


class RecordingState(enum.StrEnum):
    """recording (or paused) → processing → ready; interrupted when the recorder was lost and is not back."""

    RECORDING = "recording"
    INTERRUPTED = "interrupted"
    PROCESSING = "processing"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A recording: `start_ms` is the meeting's clock when it began, `duration_ms` is known once it has
    stopped."""

    recording_id: RecordingId
    meeting_id: MeetingId
    state: RecordingState
    started_at: datetime
    start_ms: int
    ended_at: datetime | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """A closed segment; times in ms since the recording began, size in bytes, sha256 in hex."""

    recording_id: RecordingId
    name: str
    participant_id: str
    source: str
    kind: str
    codec: str
    start_ms: int
    end_ms: int
    size: int
    sha256: str
    gaps: list[dict[str, Any]]
    width: int | None = None
    height: int | None = None

    @classmethod
    def from_segment(cls, segment: Mapping[str, Any]) -> "RecordingFile":
        """Return the row of what the recorder reports. Raises KeyError when something is missing."""
        names = [name for name in cls.__slots__ if name not in {"width", "height"}]
        required = {name: segment[name] for name in names}
        return cls(**required, width=segment.get("width"), height=segment.get("height"))


@dataclass(frozen=True, slots=True)
class ArchivedRecording:
    """A recording as the archive lists it, with its meeting and the sum of its files so far."""

    recording: RecordingRow
    meeting: MeetingRow
    size: int
    files_ms: int
    """End of the last closed file, in ms since the recording began."""

    @property
    def duration_ms(self) -> int:
        """Length of what can be watched; while it runs, of what is closed."""
        known = self.recording.duration_ms
        return self.files_ms if known is None else known


class Recordings:
    """Rows of recordings and of their files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, recording: RecordingRow) -> None:
        """Store a recording that begins. Raises AlreadyExists."""
        row = {name: getattr(recording, name) for name in RecordingRow.__slots__}
        async with self._database.write() as connection:
            try:
                await connection.execute(
                    insert(tables.recordings).values(row | {"state": recording.state.value})
                )
            except IntegrityError as error:
                raise AlreadyExists(f"recording {recording.recording_id}") from error

    async def update(
        self,
        recording_id: str,
        state: RecordingState,
        ended_at: datetime | None = None,
        duration_ms: int | None = None,
    ) -> None:
        """Move a recording to another state; the end and the duration are kept once given."""
        values: dict[str, Any] = {"state": state.value}
        values |= {"ended_at": ended_at} if ended_at is not None else {}
        values |= {"duration_ms": duration_ms} if duration_ms is not None else {}
        table = tables.recordings
        async with self._database.write() as connection:
            await connection.execute(update(table).where(table.c.recording_id == recording_id).values(values))

    async def add_file(self, file: RecordingFile) -> None:
        """Store a closed segment; again, when the server ended before its event was stored."""
        values = {name: getattr(file, name) for name in RecordingFile.__slots__}
        values["gaps"] = json.dumps(file.gaps, separators=(",", ":"))
        statement = upsert(tables.recording_files).values(values)
        keys = ["recording_id", "name"]
        changed = {name: value for name, value in values.items() if name not in keys}
        async with self._database.write() as connection:
            await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))

    async def get(self, recording_id: str) -> ArchivedRecording | None:
        """Return the recording of this id with its meeting."""
        found = await self._list([tables.recordings.c.recording_id == recording_id], 1, 0)
        return found[0] if found else None

    async def unfinished(self) -> list[RecordingRow]:
        """Return the recordings that are not ready: what a start after a crash has to finish."""
        condition = tables.recordings.c.state != RecordingState.READY.value
        return [archived.recording for archived in await self._list([condition], 10_000, 0)]

    async def search(
        self, user: User, words: str = "", meeting_id: str | None = None, limit: int = 100, offset: int = 0
    ) -> list[ArchivedRecording]:
        """Return what the user may see whose meeting's title or code has all the words, newest first."""
        meetings = tables.meetings
        conditions = [_has_word(word) for word in search_key(words).split()]
        if not user.is_admin:
            conditions.append(meetings.c.created_by == user.user_id)
        if meeting_id is not None:
            conditions.append(meetings.c.meeting_id == meeting_id)
        return await self._list(conditions, limit, offset)

    async def files(self, recording_id: str) -> list[RecordingFile]:
        """Return the closed segments of a recording in the order of their beginning."""
        table = tables.recording_files
        query = (
            select(table).where(table.c.recording_id == recording_id).order_by(table.c.start_ms, table.c.name)
        )
        async with self._database.read() as connection:
            return [_file(row) for row in await connection.execute(query)]

    async def all_files(self) -> list[RecordingFile]:
        """Return every closed segment of every recording, as if without gaps: a damaged list of them is no matter."""
        table = tables.recording_files
        query = select(table).order_by(table.c.recording_id, table.c.name)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings()
            return [RecordingFile(**{**row, "gaps": []}) for row in rows]

    async def ready(self) -> set[str]:
        """Return the ids of the recordings that are ready: nothing will be added to them."""
        table = tables.recordings
        query = select(table.c.recording_id).where(table.c.state == RecordingState.READY.value)
        async with self._database.read() as connection:
            return set((await connection.execute(query)).scalars())

    async def file(self, recording_id: str, name: str) -> RecordingFile | None:
        """Return one file by its exact name."""
        table = tables.recording_files
        query = select(table).where(table.c.recording_id == recording_id, table.c.name == name)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return _file(row) if row else None

    async def count_by_meeting(self, meeting_ids: Iterable[str]) -> dict[str, int]:
        """Return how many recordings each of these meetings has; those without any are left out."""
        table = tables.recordings
        query = select(table.c.meeting_id, func.count()).where(table.c.meeting_id.in_(list(meeting_ids)))
        async with self._database.read() as connection:
            rows = await connection.execute(query.group_by(table.c.meeting_id))
            return {row[0]: row[1] for row in rows}

    async def _list(
        self, conditions: list[ColumnElement[bool]], limit: int, offset: int
    ) -> list[ArchivedRecording]:
        recordings, meetings, files = tables.recordings, tables.meetings, tables.recording_files
        own = [recordings.c[name].label(f"own_{name}") for name in RecordingRow.__slots__]
        of_this = files.c.recording_id == recordings.c.recording_id
        size = select(func.coalesce(func.sum(files.c.size), 0)).where(of_this).scalar_subquery()
        end = select(func.coalesce(func.max(files.c.end_ms), 0)).where(of_this).scalar_subquery()
        query = select(meetings, *own, size.label("size"), end.label("files_ms"))
        query = query.join_from(recordings, meetings).where(*conditions)
        query = query.order_by(recordings.c.started_at.desc(), recordings.c.recording_id)
        async with self._database.read() as connection:
            rows = await connection.execute(query.limit(limit).offset(offset))
            return [
                ArchivedRecording(_recording(row), to_meeting(row), row.size, row.files_ms) for row in rows
            ]


def _has_word(word: str) -> ColumnElement[bool]:
    meetings = tables.meetings
    return meetings.c.title_key.contains(word, autoescape=True) | meetings.c.code.contains(
        word, autoescape=True
    )


def _recording(row: Row[Any]) -> RecordingRow:
    return RecordingRow(
        RecordingId(row.own_recording_id),
        MeetingId(row.own_meeting_id),
        RecordingState(row.own_state),
        row.own_started_at,
        row.own_start_ms,
        row.own_ended_at,
        row.own_duration_ms,
    )


def _file(row: Row[Any]) -> RecordingFile:
    values = {name: getattr(row, name) for name in RecordingFile.__slots__}
    return RecordingFile(**values | {"gaps": json.loads(row.gaps)})
