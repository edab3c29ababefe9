"""Six microphones and one who listens, in a real Chromium: who is heard, how soon, and who is not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.media.company import Company
from tests.media.conftest import Say
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


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def page(two: Company) -> AsyncIterator[Page]:
    """The page with all seven, nobody speaking; `ids` are those of the six."""
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
    page.ids = [seat["participant_id"] for seat in seats]  # type: ignore[attr-defined]
    yield page
    await page.close()
    await two.api.end(meeting)


async def say_all(page: Page, *gains: float) -> None:
    """How loud each of the six is now."""
    await page.evaluate("gains => gains.forEach((gain, index) => voices.say(index, gain))", gains)


async def heard(page: Page) -> set[int]:
    """Who is heard now."""
    return {int(index) for index in await page.evaluate("voices.heard()")}


async def hears(page: Page, *indices: int) -> bool:
    """Whether these are heard and nobody else."""
    return await heard(page) == set(indices)


async def test_the_three_loudest_are_heard_by_people_who_have_no_tile_of_them(page: Page, say: Say) -> None:
    await say_all(page, QUIET, LOUD, QUIET, LOUD, QUIET, LOUD)
    await until(lambda: hears(page, 1, 3, 5), "the three loud ones are heard", 15, 0)
    slots = await page.evaluate("voices.slots()")
    assert (slots["named"], len(slots["speakers"])) == ({}, SLOTS)
    loud = {page.ids[index] for index in (1, 3, 5)}  # type: ignore[attr-defined]
    await until(lambda: leads(page, loud), "the three are told first, one of them as dominant", 5)
    say(f"six microphones: heard through {SLOTS} slots are exactly the three loud ones")


async def leads(page: Page, loud: set[str]) -> bool:
    """Whether the last message about speakers names these first."""
    told = (await page.evaluate("voices.speakers()"))[-1]
    names = [one["participant_id"] for one in told["speakers"]]
    return set(names[: len(loud)]) == loud and told["dominant"] in loud


async def test_whoever_begins_to_speak_is_heard_at_once(page: Page, say: Say) -> None:
    await say_all(page, SILENT, LOUD, SILENT, LOUD, SILENT, SILENT)
    await page.wait_for_timeout(HOLD_MS)
    await until(lambda: hears(page, 1, 3), "two are heard", 10, 0)
    took = await page.evaluate("gain => voices.begin(2, gain, 3000)", LOUD)
    say(f"a voice that begins: heard after {took['heard']:.0f} ms, named after {took['told']:.0f} ms")
    assert took["heard"] <= HEARD_WITHIN_MS * slowness()
    assert took["told"] <= TOLD_WITHIN_MS * slowness()
    assert await hears(page, 1, 2, 3)


async def test_a_muted_microphone_sends_nothing_to_anybody(page: Page, say: Say) -> None:
    await say_all(page, SILENT, LOUD, LOUD, LOUD, SILENT, SILENT)
    await until(lambda: hears(page, 1, 2, 3), "three are heard", 15, 0)
    wants = [{"participant_id": page.ids[1], "source": "microphone"}]  # type: ignore[attr-defined]
    await page.evaluate("wants => voices.want({ tracks: wants, speakers: 3 })", wants)
    await until(lambda: hears(page, 1, 2, 3), "three are heard, one of them by name", 10, 0)
    slots = await page.evaluate("voices.slots()")
    mid = slots["named"][page.ids[1]]  # type: ignore[attr-defined]
    assert (await page.evaluate("voices.heard()"))["1"] == mid
    await page.evaluate("voices.mute(1, true)")
    await page.wait_for_timeout(MUTED_WITHIN_MS)
    before = await page.evaluate("mid => voices.packets(mid)", mid)
    # What the browser has not played yet it still plays, and lets fade.
    await until(lambda: hears(page, 2, 3), "the muted one is not heard any more", 3, 0)
    after = await page.evaluate("mid => voices.packets(mid)", mid)
    say(f"muted: {after - before} packets after {MUTED_WITHIN_MS} ms")
    assert after == before
    await page.evaluate("voices.mute(1, false)")
    await until(lambda: hears(page, 1, 2, 3), "unmuted, it is heard again", 5, 0)
