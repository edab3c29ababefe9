"""Live meetings over a real database, without HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from rooms.ids import ParticipantId, UserId, new_id
from rooms.participant import Kind
from rooms.permissions import Role
from server.auth import Auth
from server.config import Settings
from server.live import LiveMeeting, LiveMeetings
from server.passwords import Passwords
from server.services import utc_now
from server.storage import Storage
from server.storage.seats import Seat
from tests.server.live.house import House, open_house
from tests.support.clock import FakeClock

PASSWORD = "Mat-khau-dai-2026"


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = await Storage.open(Settings(data=tmp_path / "data"))
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def chair_user(storage: Storage, tmp_path: Path) -> UserId:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords = Passwords(cheap, cheap.hash("nobody"))
    auth = Auth(storage, Settings(data=tmp_path / "data"), passwords=passwords)
    try:
        return (await auth.add_user("chair", PASSWORD, is_admin=False)).user_id
    finally:
        auth.close()


@pytest.fixture
def meetings(storage: Storage) -> LiveMeetings:
    return LiveMeetings(storage)


@pytest.fixture
async def live(meetings: LiveMeetings, chair_user: UserId) -> LiveMeeting:
    return await meetings.create("Giao ban tuần", chair_user)


@pytest.fixture
async def house(
    tmp_path: Path, storage: Storage, meetings: LiveMeetings, live: LiveMeeting
) -> AsyncIterator[House]:
    async with open_house(tmp_path, storage, meetings, live) as open_now:
        yield open_now


def seat(live: LiveMeeting, name: str = "Bùi Thị Lan", role: Role = Role.DELEGATE) -> Seat:
    """A place in the meeting for somebody new."""
    return Seat(live.meeting_id, ParticipantId(new_id()), name, role, Kind.PERSON, utc_now(), None)
