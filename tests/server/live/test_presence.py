"""Coming, being cut off, coming back, leaving: what the log says of each."""

import asyncio
import dataclasses
from collections.abc import Sequence

import pytest

from rooms.log import LoggedEvent
from server import presence as presence_module
from server.live import LiveMeeting, LiveMeetings
from server.presence import Presence
from server.storage import Storage
from server.storage.errors import StorageError
from server.storage.events import EventStore
from tests.server.live.conftest import seat
from tests.support.wait import until


async def types(storage: Storage, live: LiveMeeting) -> list[str]:
    return [event.type for event in await storage.events.read(live.meeting_id, after=2)]


@pytest.fixture
async def presence(meetings: LiveMeetings):
    made = Presence(meetings)
    yield made
    await made.close()


async def test_a_reload_keeps_the_seat(presence: Presence, live: LiveMeeting, storage: Storage) -> None:
    comer = seat(live)
    await presence.attach(comer, "first")
    await presence.detach(live.meeting_id, comer.participant_id, "first")
    await presence.attach(comer, "second")
    assert await types(storage, live) == [
        "ParticipantJoined",
        "ParticipantDisconnected",
        "ParticipantReconnected",
    ]


async def test_who_does_not_come_back_has_left(
    presence: Presence, live: LiveMeeting, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_module, "RETURN_GRACE_S", 0.05)
    comer = seat(live)
    await presence.attach(comer, "first")
    await presence.detach(live.meeting_id, comer.participant_id, "first")
    await until(lambda: not live.meeting.present)
    last = (await storage.events.read(live.meeting_id))[-1]
    assert (last.type, last.data["reason"]) == ("ParticipantLeft", "lost")


async def test_two_attachments_are_one_presence(
    presence: Presence, live: LiveMeeting, storage: Storage
) -> None:
    comer = seat(live)
    await presence.attach(comer, "browser")
    await presence.attach(comer, "whip")
    await presence.detach(live.meeting_id, comer.participant_id, "browser")
    await presence.leave(live.meeting_id, comer.participant_id, "whip")
    assert await types(storage, live) == ["ParticipantJoined", "ParticipantLeft"]


async def test_an_attachment_is_lost_once(presence: Presence, live: LiveMeeting, storage: Storage) -> None:
    comer = seat(live)
    await presence.attach(comer, "first")
    await asyncio.gather(*(presence.detach(live.meeting_id, comer.participant_id, "first") for _ in range(3)))
    assert await types(storage, live) == ["ParticipantJoined", "ParticipantDisconnected"]


async def test_after_a_restart_everybody_is_cut_off(
    presence: Presence, live: LiveMeeting, storage: Storage
) -> None:
    await presence.attach(seat(live), "first")
    again = LiveMeetings(storage)
    after = Presence(again)
    for running in await again.load_running():
        await after.abandon(running)
    await after.close()
    assert await types(storage, live) == ["ParticipantJoined", "ParticipantDisconnected"]


async def test_who_could_not_be_let_back_in_leaves_no_ghost(
    storage: Storage, live: LiveMeeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_module, "RETURN_GRACE_S", 0.05)
    events = BrokenEvents(storage.database)
    meetings = LiveMeetings(dataclasses.replace(storage, events=events))
    presence, comer, running = Presence(meetings), seat(live), await meetings.get(live.meeting_id)
    await presence.attach(comer, "first")
    await presence.detach(live.meeting_id, comer.participant_id, "first")
    events.broken = True
    with pytest.raises(StorageError):
        await presence.attach(comer, "second")
    events.broken = False
    await until(lambda: not running.meeting.present)
    await presence.close()


async def test_who_is_cut_off_while_they_come_back_is_waited_for(
    presence: Presence, live: LiveMeeting, storage: Storage
) -> None:
    comer = seat(live)
    await asyncio.gather(
        presence.attach(comer, "first"), presence.detach(live.meeting_id, comer.participant_id, "first")
    )
    assert await types(storage, live) == ["ParticipantJoined", "ParticipantDisconnected"]
    assert comer.participant_id in presence._leaving


class BrokenEvents(EventStore):
    """An event store that can be told to fail."""

    broken = False

    async def append(self, events: Sequence[LoggedEvent]) -> None:
        if self.broken:
            raise StorageError("disk full")
        await super().append(events)
