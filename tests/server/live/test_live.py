"""One writer a meeting: order, storing before telling, nothing lost to a cancelled caller."""

import asyncio
import dataclasses
from collections.abc import Sequence

import pytest

from rooms import log
from rooms.errors import MeetingError, NotAllowed
from rooms.ids import MeetingId, ParticipantId, UserId, new_id
from rooms.log import LoggedEvent
from rooms.permissions import Role
from server.live import LiveMeeting, LiveMeetings, MeetingUnknown, recording_rule
from server.storage import Storage
from server.storage.database import Database
from server.storage.events import EventStore
from tests.server.live.conftest import seat
from tests.support.clock import FakeClock


async def admit(live: LiveMeeting, role: Role = Role.DELEGATE) -> ParticipantId:
    comer = seat(live, role=role)
    await live.execute(
        comer.participant_id,
        lambda meeting, _: meeting.admit(comer.participant_id, comer.name, comer.role, comer.kind),
    )
    return comer.participant_id


async def test_what_listeners_hear_is_stored_already(
    meetings: LiveMeetings, live: LiveMeeting, storage: Storage
) -> None:
    heard: list[Sequence[LoggedEvent]] = []
    meetings.listeners.append(lambda _, logged: heard.append(logged))
    await admit(live)
    stored = await storage.events.read(live.meeting_id, after=1)
    assert [list(batch) for batch in heard] == [stored]
    assert [event.type for event in stored] == ["MeetingStarted", "ParticipantJoined"]


async def test_commands_at_once_make_one_chain(live: LiveMeeting, storage: Storage) -> None:
    await asyncio.gather(*(admit(live) for _ in range(30)))
    events = await storage.events.read(live.meeting_id)
    log.verify(events)
    assert [event.seq for event in events] == list(range(1, 33))
    assert len(live.meeting.present) == 30


async def test_a_refusal_changes_nothing(live: LiveMeeting, storage: Storage) -> None:
    delegate = await admit(live)
    before = await storage.events.read(live.meeting_id)
    with pytest.raises(NotAllowed):
        await live.execute(delegate, recording_rule(delegate, "start"))
    assert await storage.events.read(live.meeting_id) == before


async def test_a_cancelled_caller_leaves_state_and_store_alike(live: LiveMeeting, storage: Storage) -> None:
    participant = await admit(live)
    for number in range(20):
        call = asyncio.create_task(
            live.execute(participant, lambda meeting, _: meeting.say(participant, "Xin chào", new_id()))
        )
        for _ in range(number):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    await live.execute(participant, lambda meeting, _: meeting.raise_hand(participant))
    events = await storage.events.read(live.meeting_id)
    log.verify(events)
    assert events[-1].seq == live.meeting.seq


async def test_every_way_to_a_meeting_leads_to_the_same_one(
    meetings: LiveMeetings, chair_user: UserId
) -> None:
    made = await meetings.create("Họp khẩn", chair_user)
    meeting_id = made.meeting_id
    del made
    found = await asyncio.gather(*(meetings.get(meeting_id) for _ in range(5)))
    assert all(one is found[0] for one in found)
    with pytest.raises(MeetingUnknown):
        await meetings.get(MeetingId("nothing"))


async def test_running_meetings_come_back_after_a_restart(
    live: LiveMeeting, meetings: LiveMeetings, storage: Storage, chair_user: UserId
) -> None:
    await admit(live)
    await meetings.create("Chưa bắt đầu", chair_user)
    again = LiveMeetings(storage)
    assert [one.meeting_id for one in await again.load_running()] == [live.meeting_id]
    assert [one.meeting_id for one in again.running()] == [live.meeting_id]


async def test_a_damaged_log_keeps_no_other_meeting_from_coming_back(
    live: LiveMeeting, meetings: LiveMeetings, storage: Storage, chair_user: UserId
) -> None:
    await admit(live)
    damaged = await meetings.create("Hỏng", chair_user)
    await admit(damaged)
    async with storage.database.write() as connection:
        await connection.exec_driver_sql(
            f"UPDATE events SET data = '{{' WHERE seq = 1 AND meeting_id = '{damaged.meeting_id}'"
        )
    assert [one.meeting_id for one in await LiveMeetings(storage).load_running()] == [live.meeting_id]


async def test_meeting_time_goes_on_by_the_calendar_after_a_restart(
    storage: Storage, clock: FakeClock, chair_user: UserId
) -> None:
    live = await LiveMeetings(storage, clock).create("Giao ban", chair_user)
    clock.advance(minutes=5)
    again = await LiveMeetings(storage, clock).get(live.meeting_id)
    assert again.now().meeting_ms == pytest.approx(300_000, abs=2_000)


async def test_an_ended_meeting_refuses(live: LiveMeeting) -> None:
    chair = await admit(live, Role.CHAIR)
    await live.execute(chair, lambda meeting, _: meeting.end(chair, "ended_by_chair"))
    with pytest.raises(MeetingError) as refusal:
        await admit(live)
    assert refusal.value.code == "meeting_ended"


async def test_a_log_that_went_on_without_us_is_caught_up_with(
    live: LiveMeeting, meetings: LiveMeetings, storage: Storage
) -> None:
    heard: list[LoggedEvent] = []
    meetings.listeners.append(lambda _, logged: heard.extend(logged))
    theirs = await admit(await LiveMeetings(storage).get(live.meeting_id))
    ours = await admit(live)
    assert {participant.id for participant in live.meeting.present} == {ours, theirs}
    events = await storage.events.read(live.meeting_id)
    log.verify(events)
    assert heard == events[1:]


async def test_an_empty_meeting_is_let_go(
    live: LiveMeeting, meetings: LiveMeetings, storage: Storage
) -> None:
    delegate = await admit(live)
    await live.execute(delegate, lambda meeting, _: meeting.leave(delegate))
    assert list(meetings.running()) == []
    assert await LiveMeetings(storage).load_running() == []


async def test_a_recorded_meeting_stays_when_everybody_has_left(live: LiveMeeting, storage: Storage) -> None:
    chair = await admit(live, Role.CHAIR)
    await live.execute(chair, recording_rule(chair, "start"))
    await live.execute(chair, lambda meeting, _: meeting.leave(chair))
    assert [one.meeting_id for one in await LiveMeetings(storage).load_running()] == [live.meeting_id]


async def test_nobody_waits_for_the_log_of_another_meeting(
    storage: Storage, live: LiveMeeting, meetings: LiveMeetings, chair_user: UserId
) -> None:
    long = (await meetings.create("Họp dài", chair_user)).meeting_id
    read = asyncio.Event()
    events = SlowEvents(storage.database, long, read)
    again = LiveMeetings(dataclasses.replace(storage, events=events))
    loading = asyncio.create_task(again.get(long))
    await again.get(live.meeting_id)
    assert not loading.done()
    read.set()
    await loading


class SlowEvents(EventStore):
    """An event store in which one meeting's log takes until `read` is set."""

    def __init__(self, database: Database, slow: MeetingId, read: asyncio.Event) -> None:
        super().__init__(database)
        self._slow, self._read = slow, read

    async def read(self, meeting_id: str, after: int = 0, limit: int = 10_000) -> list[LoggedEvent]:
        if meeting_id == self._slow:
            await self._read.wait()
        return await super().read(meeting_id, after, limit)
