"""`diemcau check`: whatever was changed or removed is named; what was not, is not."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rooms.events import ChatSent, MeetingCreated, RecordingReady, RecordingStarted, SegmentClosed
from rooms.ids import SYSTEM, MeetingId, ParticipantId, RecordingId, UserId, new_meeting_code
from rooms.log import LoggedEvent, Moment, chain
from rooms.participant import Source
from server.archive import RecordingFolders
from server.config import Settings
from server.integrity import problems
from server.storage import Storage
from server.storage.meetings import MeetingRow
from server.storage.recordings import RecordingFile, RecordingRow, RecordingState
from server.storage.users import User

NOW = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
MEETING, RECORDING, LAN, USER = MeetingId("m"), RecordingId("r"), ParticipantId("lan"), UserId("u")
NAMES = ("lan-camera-1.webm", "lan-camera-2.webm")


@dataclass
class Kept:
    """A meeting and its recording of two files, well stored."""

    storage: Storage
    folder: Path
    folders: RecordingFolders
    last: LoggedEvent

    async def problems(self) -> list[str]:
        return await problems(self.storage, self.folders)

    async def tamper(self, *statements: str) -> None:
        async with self.storage.database.write() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)

    def rewrite(self, name: str) -> str:
        """Change a file; return what its hash is now."""
        (self.folder / name).write_bytes(b"other")
        return hashlib.sha256(b"other").hexdigest()


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    storage = await Storage.open(Settings(data=tmp_path))
    folders = RecordingFolders(tmp_path)
    folder = folders.folder(RECORDING)
    folder.mkdir(parents=True)
    await storage.users.add(User(USER, "u", "u", False, NOW, "hash"))
    row = MeetingRow(MEETING, new_meeting_code(), "Họp", USER, NOW)
    created = chain(None, MEETING, USER, [MeetingCreated("Họp", row.code, USER)], Moment(NOW, 0))
    await storage.meetings.add(row, created)
    await storage.recordings.add(RecordingRow(RECORDING, MEETING, RecordingState.READY, NOW, 0))
    for name in NAMES:
        (folder / name).write_bytes(name.encode())
        await storage.recordings.add_file(stored(name))
    events = [
        RecordingStarted(RECORDING),
        *map(closed, NAMES),
        RecordingReady(RECORDING),
        ChatSent("c", LAN, "a"),
    ]
    logged = chain(created[-1], MEETING, SYSTEM, events, Moment(NOW, 9))
    await storage.events.append(logged)
    yield Kept(storage, folder, folders, logged[-1])
    await storage.close()


def stored(name: str) -> RecordingFile:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return RecordingFile(RECORDING, name, LAN, "camera", "video", "VP8", 0, 9, len(name), digest, [])


def closed(name: str) -> SegmentClosed:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return SegmentClosed(RECORDING, name, LAN, Source.CAMERA, 0, 9, len(name), digest, ())


async def row_and_file_changed(kept: Kept) -> None:
    await kept.tamper(
        f"UPDATE recording_files SET sha256 = '{kept.rewrite(NAMES[0])}' WHERE name = '{NAMES[0]}'"
    )


async def row_and_file_deleted(kept: Kept) -> None:
    (kept.folder / NAMES[0]).unlink()
    await kept.tamper(f"DELETE FROM recording_files WHERE name = '{NAMES[0]}'")


async def all_of_it_deleted(kept: Kept) -> None:
    for name in NAMES:
        (kept.folder / name).unlink()
    kept.folder.rmdir()
    await kept.tamper("DELETE FROM recording_files", "DELETE FROM recordings")


async def file_changed(kept: Kept) -> None:
    kept.rewrite(NAMES[1])


async def file_added(kept: Kept) -> None:
    (kept.folder / "lan-camera-3.webm").write_bytes(b"new")


async def last_events_deleted(kept: Kept) -> None:
    await kept.tamper("DELETE FROM events WHERE seq > 5")


async def last_events_deleted_and_others_added(kept: Kept) -> None:
    await last_events_deleted(kept)
    log = await kept.storage.events.read(MEETING)
    others = chain(log[-1], MEETING, LAN, [ChatSent(str(n), LAN, "b") for n in range(9)], Moment(NOW, 10))
    await kept.storage.events.append(others)


async def all_events_deleted(kept: Kept) -> None:
    await kept.tamper("DELETE FROM events")


async def broken_json(kept: Kept) -> None:
    await kept.tamper("UPDATE events SET data = '{\"recording_id\"' WHERE seq = 3")


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (row_and_file_changed, [f"recording r, {NAMES[0]}"] * 2),
        (row_and_file_deleted, [f"recording r, {NAMES[0]}"] * 2),
        (all_of_it_deleted, [f"recording r, {name}" for name in NAMES for _ in range(2)]),
        (file_changed, [f"recording r, {NAMES[1]}"]),
        (file_added, ["recording r, lan-camera-3.webm"]),
        (last_events_deleted, ["meeting m"]),
        (last_events_deleted_and_others_added, ["meeting m"]),
        (all_events_deleted, ["meeting m"]),
        (broken_json, ["meeting m: event 3"]),
    ],
)
async def test_what_is_not_as_it_was_stored_is_named(
    kept: Kept, tamper: Callable[[Kept], Awaitable[None]], named: list[str]
) -> None:
    assert await kept.problems() == []
    await tamper(kept)
    found = await kept.problems()
    assert len(found) == len(named), found
    assert all(line.startswith(start) for line, start in zip(found, named, strict=True)), found


async def test_a_log_may_grow_and_a_file_be_stored_before_its_event(kept: Kept) -> None:
    await kept.storage.events.append(
        chain(kept.last, MEETING, LAN, [ChatSent("d", LAN, "b")], Moment(NOW, 10))
    )
    await kept.storage.recordings.update(RECORDING, RecordingState.PROCESSING)
    (kept.folder / "lan-camera-3.webm").write_bytes(b"lan-camera-3.webm")
    await kept.storage.recordings.add_file(stored("lan-camera-3.webm"))
    assert await kept.problems() == []


async def test_the_heads_of_older_logs_are_taken_as_they_are(kept: Kept) -> None:
    """As the second migration does."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    from server.storage.migrations.versions import v0002_heads_of_logs as migration

    def again(connection):
        with Operations.context(MigrationContext.configure(connection)):
            migration.upgrade()

    before = await kept.storage.meetings.heads()
    await kept.tamper(
        "ALTER TABLE meetings DROP COLUMN head_seq", "ALTER TABLE meetings DROP COLUMN head_hash"
    )
    async with kept.storage.database.write() as connection:
        await connection.run_sync(again)
    assert await kept.storage.meetings.heads() == before
    assert before[0].seq == kept.last.seq
