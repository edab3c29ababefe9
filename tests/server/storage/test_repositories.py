"""Seats, accounts, sessions, recordings: what goes in comes out, and only to whom it may."""

from datetime import timedelta

import pytest

from rooms.ids import MeetingId, ParticipantId, RecordingId, new_id
from rooms.log import LoggedEvent
from rooms.participant import Kind
from rooms.permissions import Role
from server.storage import Storage
from server.storage.errors import AlreadyExists
from server.storage.meetings import MeetingRow
from server.storage.recordings import RecordingFile, RecordingRow, RecordingState
from server.storage.text import account_key, search_key
from server.storage.users import User
from tests.server.storage.conftest import NOW, add_meeting, add_user

HOUR = timedelta(hours=1)
LOCK = timedelta(hours=12)


@pytest.mark.parametrize(
    ("typed", "key"),
    [("Đà Nẵng", "da nang"), ("ĐẮK LẮK", "dak lak"), ("Hoà Bình", "hoa binh"), ("Hòa Bình", "hoa binh")],
)
def test_search_forgets_diacritics(typed: str, key: str) -> None:
    assert search_key(typed) == key


def test_account_names_are_compared_without_case_and_form() -> None:
    assert account_key("ADMIN") == account_key("admin") == account_key("ａｄｍｉｎ")


class TestSeats:
    async def issue(self, storage: Storage, meeting_id: MeetingId, participant: str = "p") -> str:
        seat = (meeting_id, ParticipantId(participant), "Bùi Thị Lan", Role.CHAIR, Kind.ROOM, NOW + HOUR)
        return await storage.seats.issue(*seat)

    async def test_a_token_finds_its_seat(self, storage: Storage, created: LoggedEvent) -> None:
        token = await self.issue(storage, created.meeting_id)
        seat = await storage.seats.find(token)
        assert seat is not None
        assert (seat.meeting_id, seat.participant_id, seat.name) == (created.meeting_id, "p", "Bùi Thị Lan")
        assert (seat.role, seat.kind) == (Role.CHAIR, Kind.ROOM)
        assert seat.is_valid(NOW)
        assert not seat.is_valid(NOW + HOUR)
        assert len(token) >= 43  # 256 bits

    async def test_tokens_are_not_kept(self, storage: Storage, created: LoggedEvent) -> None:
        token = await self.issue(storage, created.meeting_id)
        async with storage.database.read() as connection:
            rows = (await connection.exec_driver_sql("SELECT * FROM seats")).all()
        assert token not in repr(rows)

    @pytest.mark.parametrize("token", ["", "x", "đ" * 5000, "a.b.c", "' OR 1=1 --"])
    async def test_other_words_find_nothing(self, token: str, storage: Storage, created: LoggedEvent) -> None:
        await self.issue(storage, created.meeting_id)
        assert await storage.seats.find(token) is None

    async def test_revoking_one_leaves_the_others(self, storage: Storage, created: LoggedEvent) -> None:
        lan = [await self.issue(storage, created.meeting_id, "lan") for _ in range(2)]
        nan = await self.issue(storage, created.meeting_id, "nan")
        assert await storage.seats.revoke(created.meeting_id, ParticipantId("lan"), now=NOW) == 2
        seats = [await storage.seats.find(token) for token in [*lan, nan]]
        assert [seat is not None and seat.is_valid(NOW) for seat in seats] == [False, False, True]
        assert await storage.seats.revoke(created.meeting_id, now=NOW) == 1


class TestUsers:
    async def test_names_are_taken_whatever_the_case(self, storage: Storage) -> None:
        await add_user(storage, "Lan")
        with pytest.raises(AlreadyExists):
            await add_user(storage, "LAN")
        found = await storage.users.by_username("lAn")
        assert found is not None
        assert found.username == "Lan"

    async def test_failures_lock_and_a_lock_ends(self, storage: Storage) -> None:
        users = storage.users
        for _ in range(5):
            assert await users.locked_until("lan", NOW, 5, LOCK) is None
            await users.count_failure("lan", NOW, LOCK)
        assert await users.locked_until("LAN", NOW, 5, LOCK) == NOW + LOCK
        assert await users.locked_until("nan", NOW, 5, LOCK) is None
        assert await users.locked_until("lan", NOW + LOCK, 5, LOCK) is None
        await users.count_failure("lan", NOW + LOCK, LOCK)  # begins a new count
        assert await users.locked_until("lan", NOW + LOCK, 2, LOCK) is None

    async def test_an_administrator_unlocks(self, storage: Storage) -> None:
        for _ in range(5):
            await storage.users.count_failure("lan", NOW, LOCK)
        await storage.users.forget_failures("lan")
        assert await storage.users.locked_until("lan", NOW, 5, LOCK) is None


class TestSessions:
    async def test_it_ends_with_its_time_its_account_or_its_password(
        self, storage: Storage, user: User
    ) -> None:
        tokens = [await storage.sessions.start(user, NOW, NOW + HOUR) for _ in range(2)]
        found = await storage.sessions.find(tokens[0], NOW)
        assert found is not None
        assert found.user == user
        assert await storage.sessions.find(tokens[0], NOW + HOUR) is None
        await storage.sessions.end(tokens[0])
        assert await storage.sessions.find(tokens[0], NOW) is None
        await storage.users.set_password(user.user_id, "other")
        assert await storage.sessions.find(tokens[1], NOW) is None
        token = await storage.sessions.start(user, NOW, NOW + HOUR)
        await storage.users.disable(user.user_id, NOW)
        assert await storage.sessions.find(token, NOW) is None


async def test_a_set_up_link_makes_one_account_once(storage: Storage) -> None:
    old, token = [await storage.setup_links.renew(NOW + HOUR) for _ in range(2)]
    first, second = [User(new_id(), name, name, True, NOW, "hash") for name in ("a", "b")]  # type: ignore[arg-type]
    assert not await storage.setup_links.use(old, first, NOW)
    assert not await storage.setup_links.use(token, first, NOW + HOUR)
    assert await storage.setup_links.use(token, first, NOW)
    assert not await storage.setup_links.use(token, second, NOW)
    assert await storage.users.by_username("a") == first
    assert await storage.users.by_username("b") is None


class TestMeetings:
    async def test_each_sees_their_own_and_an_administrator_all(self, storage: Storage, user: User) -> None:
        nan, admin = await add_user(storage, "nan"), await add_user(storage, "root", is_admin=True)
        ours, theirs = [(await add_meeting(storage, who, "Họp")).meeting_id for who in (user, nan)]
        assert [row.meeting_id for row in await storage.meetings.list_for(user)] == [ours]
        assert {row.meeting_id for row in await storage.meetings.list_for(admin)} == {ours, theirs}
        assert len(await storage.meetings.list_for(admin, limit=1, offset=1)) == 1

    async def test_a_code_is_found_in_any_case(self, storage: Storage, created: LoggedEvent) -> None:
        row = await storage.meetings.get(created.meeting_id)
        assert row is not None
        assert await storage.meetings.by_code(row.code.upper()) == row
        assert await storage.meetings.by_code("mfqk7-txx4p-9hcwa") is None

    async def test_a_code_is_given_once(self, storage: Storage, created: LoggedEvent, user: User) -> None:
        row = await storage.meetings.get(created.meeting_id)
        assert row is not None
        with pytest.raises(AlreadyExists):
            await storage.meetings.add(MeetingRow(MeetingId("m"), row.code, "x", user.user_id, NOW), [])
        assert await storage.meetings.get("m") is None


class TestRecordings:
    async def add(self, storage: Storage, meeting_id: MeetingId, later: int = 0) -> RecordingId:
        recording_id, at = RecordingId(new_id()), NOW + timedelta(seconds=later)
        row = RecordingRow(recording_id, meeting_id, RecordingState.RECORDING, at, start_ms=1500)
        await storage.recordings.add(row)
        return recording_id

    def segment(self, recording_id: str, name: str, start_ms: int, end_ms: int) -> RecordingFile:
        return RecordingFile.from_segment(
            {
                "recording_id": recording_id,
                "name": name,
                "participant_id": "lan",
                "source": "camera",
                "kind": "video",
                "codec": "VP8",
                "start_ms": start_ms,
                "end_ms": end_ms,
                "size": 1000,
                "sha256": "0" * 64,
                "gaps": [{"start_ms": 1, "end_ms": 2, "reason": "lost"}],
                "width": 640,
                "height": 360,
            }
        )

    async def test_files_and_their_sum(self, storage: Storage, created: LoggedEvent) -> None:
        recording_id = await self.add(storage, created.meeting_id)
        late, early = self.segment(recording_id, "b", 5000, 9000), self.segment(recording_id, "a", 0, 5000)
        for file in (late, early, late):  # reported twice after a crash
            await storage.recordings.add_file(file)
        assert await storage.recordings.files(recording_id) == [early, late]
        assert await storage.recordings.file(recording_id, "b") == late
        assert await storage.recordings.file(recording_id, "../b") is None
        archived = await storage.recordings.get(recording_id)
        assert archived is not None
        assert (archived.size, archived.duration_ms) == (2000, 9000)
        await storage.recordings.update(recording_id, RecordingState.READY, NOW, duration_ms=9500)
        archived = await storage.recordings.get(recording_id)
        assert archived is not None
        assert (archived.recording.state, archived.duration_ms) == (RecordingState.READY, 9500)
        assert await storage.recordings.unfinished() == []

    async def test_search(self, storage: Storage, user: User) -> None:
        nan, admin = await add_user(storage, "nan"), await add_user(storage, "root", is_admin=True)
        budget = (await add_meeting(storage, user, "Họp ngân sách Đà Nẵng 100%")).meeting_id
        floods = (await add_meeting(storage, nan, "Phòng chống lũ")).meeting_id
        first = await self.add(storage, budget)
        second = await self.add(storage, floods, later=5)
        third = await self.add(storage, budget, later=9)

        async def ids(who: User, words: str = "", meeting: str | None = None) -> list[str]:
            found = await storage.recordings.search(who, words, meeting)
            return [archived.recording.recording_id for archived in found]

        assert await ids(admin) == [third, second, first]
        assert await ids(user) == [third, first]
        assert await ids(user, "da nang HỌP") == [third, first]
        assert await ids(user, "Đà Nẵng 100%") == [third, first]
        assert await ids(user, "0_%") == []
        assert await ids(user, "phong chong") == []
        assert await ids(admin, "phong chong") == [second]
        assert await ids(user, meeting=floods) == []
        assert await storage.recordings.count_by_meeting([budget, floods, "x"]) == {budget: 2, floods: 1}
