"""User accounts, and how often somebody failed to be one."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.ids import UserId
from server.storage import tables
from server.storage.database import Database
from server.storage.errors import AlreadyExists
from server.storage.text import account_key


@dataclass(frozen=True, slots=True)
class User:
    """An account. `password_hash` is argon2id's encoded form."""

    user_id: UserId
    username: str
    name: str
    is_admin: bool
    created_at: datetime
    password_hash: str
    disabled_at: datetime | None = None


class Users:
    """Accounts by id and by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user: User) -> None:
        """Store a new account. Raises AlreadyExists when the name is taken, in whatever case."""
        async with self._database.write() as connection:
            await insert_user(connection, user)

    async def by_username(self, username: str) -> User | None:
        """Return the account of this name; case and look-alike forms do not matter."""
        query = select(tables.users).where(tables.users.c.username_key == account_key(username))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return to_user(row) if row else None

    async def is_empty(self) -> bool:
        """Whether nobody can sign in yet: a fresh install."""
        async with self._database.read() as connection:
            return not (await connection.execute(select(func.count()).select_from(tables.users))).scalar_one()

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """Change the password and end every session of the account."""
        async with self._database.write() as connection:
            table = tables.users
            await connection.execute(
                update(table).where(table.c.user_id == user_id).values(password_hash=password_hash)
            )
            await connection.execute(delete(tables.sessions).where(tables.sessions.c.user_id == user_id))

    async def make_administrator(self, user_id: str) -> None:
        """Let an account manage every meeting."""
        async with self._database.write() as connection:
            table = tables.users
            await connection.execute(update(table).where(table.c.user_id == user_id).values(is_admin=True))

    async def disable(self, user_id: str, now: datetime) -> None:
        """Close the account and end its sessions; what it did stays its own."""
        async with self._database.write() as connection:
            table = tables.users
            await connection.execute(update(table).where(table.c.user_id == user_id).values(disabled_at=now))
            await connection.execute(delete(tables.sessions).where(tables.sessions.c.user_id == user_id))

    async def locked_until(
        self, username: str, now: datetime, limit: int, lock: timedelta
    ) -> datetime | None:
        """Until when the name is locked, which it is for `lock` from the last of `limit` failures on; or None."""
        table = tables.login_failures
        query = select(table).where(table.c.name_hash == _name_hash(username), table.c.last_at > now - lock)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        if row is None or row.failures < limit:
            return None
        until: datetime = row.last_at + lock
        return until

    async def count_failure(self, username: str, now: datetime, lock: timedelta) -> None:
        """Count a wrong password; counts older than a lock are forgotten, whosever they are."""
        table = tables.login_failures
        values = {"name_hash": _name_hash(username), "failures": 1, "last_at": now}
        again = {"failures": table.c.failures + 1, "last_at": now}
        statement = (
            upsert(table).values(values).on_conflict_do_update(index_elements=["name_hash"], set_=again)
        )
        async with self._database.write() as connection:
            await connection.execute(delete(table).where(table.c.last_at <= now - lock))
            await connection.execute(statement)

    async def forget_failures(self, username: str) -> None:
        """Start counting anew: after a right password, or when an administrator unlocks."""
        table = tables.login_failures
        async with self._database.write() as connection:
            await connection.execute(delete(table).where(table.c.name_hash == _name_hash(username)))


async def insert_user(connection: AsyncConnection, user: User) -> None:
    """Add an account within a transaction that is already open. Raises AlreadyExists."""
    try:
        await connection.execute(insert(tables.users).values(_values(user)))
    except IntegrityError as error:
        raise AlreadyExists(f"user {user.username}") from error


def _name_hash(username: str) -> bytes:
    return hashlib.sha256(account_key(username).encode("utf-8", "surrogatepass")).digest()


def _values(user: User) -> dict[str, Any]:
    return {
        "user_id": user.user_id,
        "username": user.username,
        "username_key": account_key(user.username),
        "name": user.name,
        "password_hash": user.password_hash,
        "is_admin": user.is_admin,
        "created_at": user.created_at,
        "disabled_at": user.disabled_at,
    }


def to_user(row: Row[Any]) -> User:
    """Return the account that a row of `users` tells of."""
    return User(
        UserId(row.user_id),
        row.username,
        row.name,
        row.is_admin,
        row.created_at,
        row.password_hash,
        row.disabled_at,
    )
