"""One SQLite file in WAL mode behind SQLAlchemy: readers never wait, writers take turns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

# FULL, not WAL's usual NORMAL: with NORMAL a commit survives `kill -9` but the last ones may be gone after a
# power cut, and an event is told to everyone as soon as its commit returns. FULL costs one fsync of the WAL
# per commit, at most a few hundred a minute in the liveliest meeting.
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000")

_WRITE = {"diemcau_write": True}


class Database:
    """The engine, and the two ways to use it."""

    def __init__(self, path: Path) -> None:
        self._engine = _engine(path)
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view for as long as it is open."""
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: all of it is on the disk when the block has ended, or none of it."""
        # The lock queues our own writers in order; SQLite alone would make them poll for its lock.
        async with self._writing, self._engine.connect() as connection:
            await connection.execution_options(**_WRITE)
            async with connection.begin():
                yield connection

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1 FROM meetings LIMIT 1"))

    async def close(self) -> None:
        """Close every connection; the last one folds the WAL into the file."""
        await self._engine.dispose()


def _engine(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        poolclass=AsyncAdaptedQueuePool,
        pool_size=4,
        max_overflow=4,
        hide_parameters=True,  # an error's text goes to the log, and parameters are what people wrote
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    # Python's sqlite3 would begin transactions late and not at all before DDL; we begin them ourselves.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can be refused half-way when another process wrote
    # meanwhile; IMMEDIATE takes the write lock at once.
    write = connection.get_execution_options().get("diemcau_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
