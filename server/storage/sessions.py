"""Sign-ins: a browser's or a program's, each revocable by itself."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from server.storage import tables
from server.storage.database import Database
from server.storage.tokens import new_token, token_hash
from server.storage.users import User, to_user


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in and whose it is."""

    user: User
    last_seen_at: datetime
    expires_at: datetime


class Sessions:
    """Tokens are stored as hashes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, user: User, now: datetime, expires_at: datetime) -> str:
        """Return the token of a new sign-in; those that have expired are swept out meanwhile."""
        token = new_token()
        row = {"token_hash": token_hash(token), "user_id": user.user_id, "created_at": now}
        async with self._database.write() as connection:
            await connection.execute(delete(tables.sessions).where(tables.sessions.c.expires_at <= now))
            await connection.execute(
                insert(tables.sessions).values(**row, last_seen_at=now, expires_at=expires_at)
            )
        return token

    async def find(self, token: str, now: datetime) -> Session | None:
        """Return the sign-in of a token unless it has expired or the account is closed."""
        sessions, users = tables.sessions, tables.users
        query = select(users, sessions.c.last_seen_at, sessions.c.expires_at).join_from(sessions, users)
        query = query.where(sessions.c.token_hash == token_hash(token), users.c.disabled_at.is_(None))
        async with self._database.read() as connection:
            row = (await connection.execute(query.where(sessions.c.expires_at > now))).first()
        return Session(to_user(row), row.last_seen_at, row.expires_at) if row else None

    async def touch(self, token: str, now: datetime) -> None:
        """Note that the sign-in was used."""
        table = tables.sessions
        statement = update(table).where(table.c.token_hash == token_hash(token)).values(last_seen_at=now)
        async with self._database.write() as connection:
            await connection.execute(statement)

    async def end(self, token: str) -> None:
        """Sign out. Ending what has ended is no error."""
        table = tables.sessions
        async with self._database.write() as connection:
            await connection.execute(delete(table).where(table.c.token_hash == token_hash(token)))
