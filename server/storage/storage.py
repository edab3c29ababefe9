"""Storage: opens the database, brings it up to date, and gives one repository per kind of thing."""

import os
from dataclasses import dataclass

from server.config import Settings, usable
from server.storage.database import Database
from server.storage.events import EventStore
from server.storage.meetings import Meetings
from server.storage.migrate import upgrade
from server.storage.recordings import Recordings
from server.storage.seats import Seats
from server.storage.sessions import Sessions
from server.storage.setup_links import SetupLinks
from server.storage.users import Users


@dataclass(frozen=True, slots=True)
class Storage:
    """What is kept. Each method of a repository is one transaction."""

    database: Database
    events: EventStore
    meetings: Meetings
    seats: Seats
    recordings: Recordings
    users: Users
    sessions: Sessions
    setup_links: SetupLinks

    @classmethod
    async def open(cls, settings: Settings) -> "Storage":
        """Create the data directory and the database where missing, run migrations. Raises SchemaTooNew,
        SettingsError."""
        with usable("DIEMCAU_DATA"):
            settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make_private(settings)
        database = Database(settings.database_path)
        try:
            await upgrade(database)
        except BaseException:
            await database.close()
            raise
        return cls(
            database,
            EventStore(database),
            Meetings(database),
            Seats(database),
            Recordings(database),
            Users(database),
            Sessions(database),
            SetupLinks(database),
        )

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        await self.database.ping()

    async def close(self) -> None:
        """Close the database. Idempotent."""
        await self.database.close()


def _make_private(settings: Settings) -> None:
    """Let only our user read the database; SQLite gives its WAL the same mode."""
    path = settings.database_path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
