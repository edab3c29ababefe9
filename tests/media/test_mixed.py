"""Four in one meeting: two browsers with our page, two aiortc peers by WHIP and WHEP. All see and hear all others."""

import asyncio
import time
from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack

import pytest

from tests.conftest import Say
from tests.media.company import Company
from tests.support.browser import until
from tests.support.material import Material
from tests.support.pages import Pages
from tests.support.streams import Player, Publisher

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(90)]

# Participants by the mark in picture and sound: 0 the speaker's browser, 1 the viewer's, 2 and 3 aiortc.
SPEAKER, VIEWER, PEERS = 0, 1, (2, 3)
PICTURES, BEEPS = 15, 2
# There is a beep a second; to look for them in more sound than this would cost what the browsers need.
HEARD_S = 4
WITHIN_S = 20


async def test_two_browsers_and_two_aiortc_peers_see_and_hear_each_other(
    two: Company, peer_materials: dict[int, Material], say: Say
) -> None:
    await two.meet()
    began = time.monotonic()
    try:
        async with AsyncExitStack() as stack:
            ends = await gather(stack, two, peer_materials)
            await two.viewer.press("camera_on")
            pairs = [(viewer, owner) for viewer in ends for owner in ends if viewer != owner]
            await each(sees(ends[viewer], owner) for viewer, owner in pairs)
            # Three microphones are let through at once: first without the viewer's, then without the speaker's.
            await each(hears(ends[viewer], owner) for viewer, owner in pairs if owner != VIEWER)
            await two.speaker.press("mute")
            await two.viewer.press("unmute")
            await each(hears(ends[viewer], VIEWER) for viewer in ends if viewer != VIEWER)
        say(f"two Chromium, two aiortc: all {len(pairs)} pairs after {time.monotonic() - began:.1f} s")
    finally:
        await two.leave()


class Browser:
    """A browser's end: its page shows and plays everybody."""

    def __init__(self, person: Pages) -> None:
        self.person = person

    async def pictures(self, owner: int) -> int:
        """How many of that participant's pictures were painted."""
        painted = await self.person.ruler.painted(source="camera")
        return sum(one.number is not None and one.participant == owner for one in painted)

    async def beeps(self, owner: int) -> int:
        """How many of the beeps were played in the last seconds."""
        since = await self.person.ruler.now() - HEARD_S * 1000
        return len(await self.person.ruler.heard(owner, since))


class Peer:
    """An aiortc end: one player for each of the others."""

    def __init__(self, players: dict[int, Player]) -> None:
        self.players = players

    async def pictures(self, owner: int) -> int:
        """How many pictures came of that participant, of whom alone they may be."""
        player = self.players[owner]
        assert {code.participant for _, code in player.codes if code} <= {owner}
        return len(player.numbers())

    async def beeps(self, owner: int) -> int:
        """How many of the beeps came in the last seconds."""
        return len(self.players[owner].beeps(owner, time.monotonic() - HEARD_S))


End = Browser | Peer


async def gather(stack: AsyncExitStack, two: Company, made: dict[int, Material]) -> dict[int, End]:
    """All four, publishing and receiving, by their marks."""
    seats = {mark: await two.api.seat(two.meeting, f"Thiết bị {mark}", kind="room") for mark in PEERS}
    owners = {SPEAKER: two.speaker_id, VIEWER: two.viewer_id}
    owners |= {mark: seat["participant_id"] for mark, seat in seats.items()}
    for mark, seat in seats.items():
        publisher = await stack.enter_async_context(Publisher(two.server.origin, seat["token"]))
        await publisher.publish(two.meeting, made[mark])
    ends: dict[int, End] = {SPEAKER: Browser(two.speaker), VIEWER: Browser(two.viewer)}
    for mark, seat in seats.items():
        players = {}
        for owner in owners.keys() - {mark}:
            players[owner] = await stack.enter_async_context(Player(two.server.origin, seat["token"]))
            await players[owner].play(two.meeting, owners[owner])
        ends[mark] = Peer(players)
    return ends


async def each(waits: Iterable[Awaitable[object]]) -> None:
    """Wait for all of them, at the same time."""
    async with asyncio.TaskGroup() as group:
        for wait in waits:
            group.create_task(_of(wait))


async def _of(wait: Awaitable[object]) -> None:
    await wait


async def sees(end: End, owner: int) -> None:
    """Wait until an end has a participant's pictures."""

    async def enough() -> bool:
        return await end.pictures(owner) >= PICTURES

    await until(enough, f"{type(end).__name__} sees {owner}", WITHIN_S, 0.3)


async def hears(end: End, owner: int) -> None:
    """Wait until an end has a participant's beeps."""

    async def enough() -> bool:
        return await end.beeps(owner) >= BEEPS

    await until(enough, f"{type(end).__name__} hears {owner}", WITHIN_S, 1)
