"""Six microphones and one who listens, in a real Chromium: who is heard, how soon, and who is not."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.conftest import Say
from tests.media.company import Company
from tests.support.browser import until
from tests.support.machine import slowness

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(60)]

SCRIPT = Path(__file__).with_name("voices.js")
# Apart by more than what a window of 43 ms can tell from each other, without common overtones.
PITCHES_HZ = (440, 700, 1010, 1370, 1810, 2300)
LOUD, QUIET, SILENT = 0.4, 0.02, 0.0
SLOTS = 3
# Promised.
HEARD_WITHIN_MS = 300
MUTED_WITHIN_MS = 200
# A place is free for another voice when its owner has been silent for so long.
HOLD_MS = 2000
TOLD_WITHIN_MS = 600


class Hall:
    """The page with all seven; `ids` are those of the six who speak."""

    def __init__(self, page: Page, ids: list[str]) -> None:
        self.page = page
        self.ids = ids

    async def say(self, *gains: float) -> None:
        """How loud each of the six is now."""
        await self.page.evaluate("gains => gains.forEach((gain, index) => voices.say(index, gain))", gains)

    async def heard(self) -> dict[int, str]:
        """Who is heard now, and in which slot."""
        return {int(index): mid for index, mid in (await self.page.evaluate("voices.heard()")).items()}

    async def until_heard(self, *indices: int) -> None:
        """Wait until these are heard and nobody else."""

        async def are_heard() -> bool:
            return set(await self.heard()) == set(indices)

        await until(are_heard, f"heard are {indices}", 15, 0)

    async def slots(self) -> dict[str, Any]:
        """{named: {participant_id: mid}, speakers: [mid]}"""
        return await self.page.evaluate("voices.slots()")

    async def packets(self, mid: str) -> int:
        """How many have come in a slot."""
        return await self.page.evaluate("mid => voices.packets(mid)", mid)


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def hall(two: Company) -> AsyncIterator[Hall]:
    """All seven are in, nobody speaks."""
    page = await two.viewer.participant.context.new_page()
    # A page that really comes from the server: Chromium lets no other connect to a loopback address.
    await page.goto(f"{two.server.origin}/api/v1/openapi.json")
    await page.route(
        f"{two.server.origin}/voices.js",
        lambda route: route.fulfill(path=SCRIPT, content_type="text/javascript"),
    )
    await page.evaluate("import('/voices.js')")
    meeting = (await two.api.create_meeting("Họp nhiều tiếng nói"))["id"]
    seats = [await two.api.seat(meeting, f"Điểm cầu {number}") for number in range(7)]
    tokens = [seat["token"] for seat in seats]
    await page.evaluate("([tokens, hz]) => voices.gather(tokens, hz)", [tokens, PITCHES_HZ])
    await page.evaluate("slots => voices.want({ tracks: [], speakers: slots })", SLOTS)
    yield Hall(page, [seat["participant_id"] for seat in seats])
    await page.close()
    await two.api.end(meeting)


async def test_the_three_loudest_are_heard_by_people_who_have_no_tile_of_them(hall: Hall, say: Say) -> None:
    await hall.say(QUIET, LOUD, QUIET, LOUD, QUIET, LOUD)
    await hall.until_heard(1, 3, 5)
    slots = await hall.slots()
    assert (slots["named"], len(slots["speakers"])) == ({}, SLOTS)
    loud = {hall.ids[index] for index in (1, 3, 5)}
    await until(lambda: leads(hall, loud), "the three are told first, one of them as dominant", 5)
    say(f"six microphones: heard through {SLOTS} slots are exactly the three loud ones")


async def leads(hall: Hall, loud: set[str]) -> bool:
    """Whether the last message about speakers names these first."""
    told = (await hall.page.evaluate("voices.speakers()"))[-1]
    names = [one["participant_id"] for one in told["speakers"]]
    return set(names[: len(loud)]) == loud and told["dominant"] in loud


async def test_whoever_begins_to_speak_is_heard_at_once(hall: Hall, say: Say) -> None:
    await hall.say(SILENT, LOUD, SILENT, LOUD, SILENT, SILENT)
    await hall.page.wait_for_timeout(HOLD_MS)
    await hall.until_heard(1, 3)
    took = await hall.page.evaluate("gain => voices.begin(2, gain, 3000)", LOUD)
    say(f"a voice that begins: heard after {took['heard']:.0f} ms, named after {took['told']:.0f} ms")
    assert took["heard"] <= HEARD_WITHIN_MS * slowness()
    assert took["told"] <= TOLD_WITHIN_MS * slowness()
    await hall.until_heard(1, 2, 3)


async def test_a_muted_microphone_sends_nothing_to_anybody(hall: Hall, say: Say) -> None:
    await hall.say(SILENT, LOUD, LOUD, LOUD, SILENT, SILENT)
    await hall.until_heard(1, 2, 3)
    wants = [{"participant_id": hall.ids[1], "source": "microphone"}]
    await hall.page.evaluate("wants => voices.want({ tracks: wants, speakers: 3 })", wants)
    await until(lambda: is_named(hall, 1), "one of three is heard in the slot of its own", 10, 0)
    mid = (await hall.slots())["named"][hall.ids[1]]
    await hall.page.evaluate("voices.mute(1, true)")
    await hall.page.wait_for_timeout(MUTED_WITHIN_MS)
    before = await hall.packets(mid)
    # What the browser has not played yet it still plays, and lets fade.
    await hall.until_heard(2, 3)
    after = await hall.packets(mid)
    say(f"muted: {after - before} packets after {MUTED_WITHIN_MS} ms")
    assert after == before
    await hall.page.evaluate("voices.mute(1, false)")
    await hall.until_heard(1, 2, 3)


async def is_named(hall: Hall, index: int) -> bool:
    """Whether somebody is heard in the slot of their name, beside the two others in speakers' slots."""
    slots, heard = await hall.slots(), await hall.heard()
    others = {mid for one, mid in heard.items() if one != index}
    own = slots["named"].get(hall.ids[index])
    return (
        own is not None and heard.get(index) == own and len(others) == 2 and others <= set(slots["speakers"])
    )
