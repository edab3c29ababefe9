"""The event store keeps each log whole, in order, and through a crash."""

import asyncio
import os
import signal
import sys
from dataclasses import replace

import pytest

from rooms.events import ChatSent, MeetingEnded, MeetingStarted, ParticipantJoined, SegmentClosed
from rooms.fields import read_fields
from rooms.ids import ParticipantId
from rooms.log import LoggedEvent, Moment, chain, verify
from rooms.participant import Kind
from rooms.permissions import Role
from server.config import Settings
from server.storage import SequenceConflict, Storage
from server.storage.users import User
from tests.server.storage.conftest import NOW, add_meeting

NAN = ParticipantId("nan")


def after(previous: LoggedEvent, *events: object) -> list[LoggedEvent]:
    return chain(previous, previous.meeting_id, NAN, events, Moment(NOW, previous.meeting_ms + 10))


def said(previous: LoggedEvent, *texts: str) -> list[LoggedEvent]:
    return after(previous, *[ChatSent(text, NAN, text) for text in texts])


async def test_what_is_read_is_what_was_appended(storage: Storage, created: LoggedEvent) -> None:
    gaps = [{"start_ms": 1, "end_ms": 2, "reason": "lost"}]
    segment = {
        "recording_id": "r",
        "name": "nan-camera-1.webm",
        "participant_id": NAN,
        "source": "camera",
        "start_ms": 0,
        "end_ms": 5,
        "size": 3_000_000_000,
        "sha256": "0" * 64,
        "gaps": gaps,
    }
    logged = after(
        created,
        MeetingStarted(),
        ParticipantJoined(NAN, "Nguyễn Văn Đức ☂", Role.CHAIR, Kind.ROOM),
        ChatSent("m", NAN, 'dòng 1\ndòng 2 "\\'),
        read_fields(SegmentClosed, segment),
    )
    await storage.events.append(logged)
    read = await storage.events.read(created.meeting_id)
    assert read == [created, *logged]
    verify(read)


async def test_reading_begins_after_and_stops_at_the_limit(storage: Storage, created: LoggedEvent) -> None:
    await storage.events.append(said(created, "a", "b", "c"))
    assert [event.seq for event in await storage.events.read(created.meeting_id, after=2)] == [3, 4]
    assert [event.seq for event in await storage.events.read(created.meeting_id, 1, limit=2)] == [2, 3]
    assert await storage.events.read("nowhere") == []


async def test_logs_do_not_mix(storage: Storage, created: LoggedEvent, user: User) -> None:
    other = await add_meeting(storage, user, "Khác")
    await storage.events.append(said(created, "a"))
    await storage.events.append(said(other, "b"))
    assert [event.seq for event in await storage.events.read(other.meeting_id)] == [1, 2]


async def test_nothing_is_stored_of_what_does_not_continue(storage: Storage, created: LoggedEvent) -> None:
    first, second, third = said(created, "a", "b", "c")
    wrong = [
        [second],  # a hole
        [created],  # again
        [first, third],  # a hole inside
        [replace(first, previous_hash="0" * 64)],  # another chain
        [first, replace(second, meeting_id="other")],
    ]
    for events in wrong:
        with pytest.raises(SequenceConflict):
            await storage.events.append(events)
    assert await storage.events.read(created.meeting_id) == [created]


async def test_of_two_who_append_at_once_one_wins(storage: Storage, created: LoggedEvent) -> None:
    rivals = [storage.events.append(said(created, name)) for name in "abcdef"]
    outcomes = await asyncio.gather(*rivals, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType"] + ["SequenceConflict"] * 5
    verify(await storage.events.read(created.meeting_id))


async def test_the_list_follows_the_log(storage: Storage, created: LoggedEvent) -> None:
    started = after(created, MeetingStarted())
    await storage.events.append(started)
    row = await storage.meetings.get(created.meeting_id)
    assert row is not None
    assert (row.state, row.started_at, row.ended_at) == ("running", started[0].time, None)
    ended = after(started[-1], MeetingEnded("ended"))
    await storage.events.append(ended)
    row = await storage.meetings.get(created.meeting_id)
    assert row is not None
    assert (row.state, row.ended_at) == ("ended", ended[0].time)


_WRITER = """
import asyncio, sys
from pathlib import Path
from rooms.events import ChatSent
from rooms.ids import ParticipantId
from rooms.log import Moment, chain
from server.config import Settings
from server.storage import Storage

async def main(data, meeting_id):
    storage = await Storage.open(Settings(data=Path(data)))
    last = (await storage.events.read(meeting_id))[-1]
    while True:
        event = ChatSent(str(last.seq), ParticipantId("nan"), "x" * 500)
        logged = chain(last, last.meeting_id, "nan", [event, event], Moment(last.time, last.seq))
        await storage.events.append(logged)
        last = logged[-1]
        print(last.seq, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_was_acknowledged_survives_kill_9(
    settings: Settings, storage: Storage, created: LoggedEvent
) -> None:
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITER, str(settings.data), created.meeting_id, stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    for _ in range(20):
        acknowledged = int(await writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    rest = (await writer.stdout.read()).split()
    await writer.wait()
    acknowledged = int(rest[-1]) if rest else acknowledged
    await storage.close()
    reopened = await Storage.open(settings)
    kept = await reopened.events.read(created.meeting_id)
    verify(kept)
    assert kept[-1].seq in (acknowledged, acknowledged + 2)  # the last may be stored and not yet told
    await reopened.events.append(said(kept[-1], "go on"))
    await reopened.close()


async def test_commits_reach_the_disk(storage: Storage) -> None:
    async with storage.database.read() as connection:
        for pragma, value in (("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1)):
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one() == value
