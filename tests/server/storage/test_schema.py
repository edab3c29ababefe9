"""Migrations: from nothing, again, and not from a later version."""

import os

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

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
