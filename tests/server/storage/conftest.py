"""An open storage, and a meeting in it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rooms.events import MeetingCreated
from rooms.ids import MeetingId, UserId, new_id, new_meeting_code
from rooms.log import LoggedEvent, Moment, chain
from server.config import Settings
from server.storage import Storage
from server.storage.meetings import MeetingRow
from server.storage.users import User

NOW = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


@pytest.fixture
async def storage(settings: Settings) -> AsyncIterator[Storage]:
    opened = await Storage.open(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def user(storage: Storage) -> User:
    return await add_user(storage, "lan")


@pytest.fixture
async def created(storage: Storage, user: User) -> LoggedEvent:
    return await add_meeting(storage, user, "Họp giao ban")


async def add_user(storage: Storage, username: str, *, is_admin: bool = False) -> User:
    user = User(UserId(new_id()), username, username, is_admin, NOW, "hash")
    await storage.users.add(user)
    return user


async def add_meeting(storage: Storage, user: User, title: str) -> LoggedEvent:
    """Store a planned meeting; return its first event."""
    meeting_id, code = MeetingId(new_id()), new_meeting_code()
    logged = chain(
        None, meeting_id, user.user_id, [MeetingCreated(title, code, user.user_id)], Moment(NOW, 0)
    )
    await storage.meetings.add(MeetingRow(meeting_id, code, title, user.user_id, NOW), logged)
    return logged[0]
