"""Migrations: from nothing, again, and not from a later version."""

import os

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from rooms.log import verify
from rooms.media import VideoCodec
from rooms.meeting import Meeting
from server.config import Settings
from server.storage import Storage
from server.storage.errors import SchemaTooNew
from server.storage.tables import metadata
from tests.server.storage.conftest import NOW


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def test_the_migrations_make_the_tables(storage: Storage) -> None:
    async with storage.database.read() as connection:
        assert await connection.run_sync(_differences) == []


async def test_a_second_start_finds_its_data(settings: Settings) -> None:
    first = await Storage.open(settings)
    await first.setup_links.renew(NOW)
    await first.close()
    second = await Storage.open(settings)
    async with second.database.read() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM setup_links")).scalar_one() == 1
    await second.close()


async def test_a_later_version_is_refused_and_left_alone(settings: Settings) -> None:
    storage = await Storage.open(settings)
    async with storage.database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    await storage.close()
    with pytest.raises(SchemaTooNew, match="later version"):
        await Storage.open(settings)


async def test_others_on_the_machine_cannot_read(storage: Storage, settings: Settings) -> None:
    await storage.setup_links.renew(NOW)
    assert settings.data.stat().st_mode & 0o077 == 0
    modes = {entry.name: entry.stat().st_mode & 0o077 for entry in os.scandir(settings.data)}
    assert modes == {"diemcau.db": 0, "diemcau.db-wal": 0, "diemcau.db-shm": 0}


# As version 0.1.0 stored it: of no codec, and hashed so.
FIRST_LOG = [
    (
        *("MeetingCreated", '{"title": "Giao ban", "code": "mfqk7-txx4p-9hcwa", "created_by": "u"}'),
        "11368b248544b367f039ac24fc4364d418e2b31dd015e4b2152f72fb8e5906b2",
    ),
    ("MeetingStarted", "{}", "30e9caeac6609383ed52daa427579d072de40b1dfab4a3562c7742d358ec8fae"),
    (
        "ParticipantJoined",
        '{"participant_id": "lan", "name": "Bùi Thị Lan", "role": "chair", "kind": "person"}',
        "08434f8e2e038799ffe6f42d1f95b1645c9fa78735f5ab0852c0edf556e6c4ce",
    ),
    (
        *("TrackPublished", '{"participant_id": "lan", "source": "camera"}'),
        "fe5cd8ba7e2d7aba0dcd617fc66cca4328a72157cfe2c9639210ec0b53b65167",
    ),
]


async def _store_first_log(storage: Storage) -> None:
    hashes = ["0" * 64, *(row[2] for row in FIRST_LOG)]
    time = "2026-11-22 01:00:00.000000"
    async with storage.database.write() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO users (user_id, username, username_key, name, password_hash, is_admin, created_at)"
            f" VALUES ('u', 'lan', 'lan', 'Lan', '', 0, '{time}')"
        )
        await connection.exec_driver_sql(
            "INSERT INTO meetings"
            " (meeting_id, code, title, title_key, created_by, created_at, state, head_seq, head_hash)"
            f" VALUES ('m', 'mfqk7', 'Giao ban', 'giao ban', 'u', '{time}', 'running', 4, '{hashes[-1]}')"
        )
        for seq, (event_type, data, digest) in enumerate(FIRST_LOG, 1):
            await connection.exec_driver_sql(
                "INSERT INTO events VALUES ('m', ?, ?, 0, ?, ?, ?, ?, ?)",
                (seq, time, "u", event_type, data, hashes[seq - 1], digest),
            )


async def test_a_log_of_the_first_version_holds(settings: Settings) -> None:
    before = await Storage.open(settings)
    await _store_first_log(before)
    await before.close()
    after = await Storage.open(settings)
    events = await after.events.read("m")
    await after.close()
    verify(events)
    meeting = Meeting.replay(events)
    assert (meeting.video_codec, len(meeting.present)) == (VideoCodec.VP8, 1)
