"""Work that follows: in order, apart for each meeting, and no failure stops it."""

import asyncio

from rooms.ids import UserId
from rooms.log import LoggedEvent
from server.follower import Follower
from server.live import LiveMeeting, LiveMeetings
from server.presence import Presence
from tests.server.live.conftest import seat


async def test_events_are_handled_in_order_and_a_failure_costs_one(
    meetings: LiveMeetings, live: LiveMeeting
) -> None:
    handled: list[int] = []

    async def handler(_: LiveMeeting, logged: LoggedEvent) -> None:
        await asyncio.sleep(0)
        if logged.seq == 3:
            raise RuntimeError("one event goes wrong")
        handled.append(logged.seq)

    follower = Follower("test", handler)
    meetings.listeners.append(follower)
    presence = Presence(meetings)
    for _ in range(4):
        await presence.attach(seat(live), "socket")
    await follower.close()
    assert handled == [2, 4, 5, 6]


async def test_one_meeting_does_not_wait_for_another(
    meetings: LiveMeetings, live: LiveMeeting, chair_user: UserId
) -> None:
    release, done = asyncio.Event(), asyncio.Event()
    slow = live.meeting_id

    async def handler(which: LiveMeeting, _: LoggedEvent) -> None:
        if which.meeting_id == slow:
            await release.wait()
        else:
            done.set()

    follower = Follower("test", handler)
    meetings.listeners.append(follower)
    presence = Presence(meetings)
    await presence.attach(seat(live), "socket")
    await presence.attach(seat(await meetings.create("Khác", chair_user)), "socket")
    async with asyncio.timeout(5):
        await done.wait()
    release.set()
    await follower.close()
