"""A camera in three encodings, as its viewers need them: Chromium, the server, Chromium."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import Say
from tests.media.company import LARGE, SHOWN_AGAIN, SMALL, Company, longest_step_back
from tests.support import receiving
from tests.support.browser import until
from tests.support.machine import slowness

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(60)]

SWITCHES = 10
# Half a second: whoever switches looks at what there is.
LOOKED_AT = 8
# Promised: who asks for the main picture has it within a second.
LARGE_WITHIN_MS = 1000
FREEZE_S = 1.0


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def met(two: Company) -> AsyncIterator[Company]:
    """The two in a meeting, the speaker's picture a thumbnail."""
    await two.meet()
    await two.shrink()
    yield two
    await two.leave()


async def test_a_thumbnail_is_the_small_one_and_the_rest_stops_at_the_sender(met: Company, say: Say) -> None:
    await until(lambda: has_height(met, SMALL), "the browser counts small frames")
    await met.until_idle("h")
    await met.until_idle("m")
    assert await met.active() == {"l": True, "m": False, "h": False}
    assert not await met.idle("l")
    say(f"thumbnail: {SMALL} lines, m and h stopped at the sender")


async def has_height(met: Company, lines: int) -> bool:
    """Whether the viewer's browser counts frames of that height now."""
    return (await met.received()).get("frameHeight") == lines


async def test_the_large_one_starts_again_when_it_is_wanted(met: Company, say: Say) -> None:
    await met.until_idle("h")
    since = await met.viewer.ruler.now()
    stopped_ms = await met.enlarge()
    await until(lambda: is_active(met, "h"), "h is active at the sender")
    assert not await met.idle("h")
    await met.shrink()
    running_ms = await met.enlarge()
    numbers = await met.numbers(since)
    say(f"large after {stopped_ms:.0f} ms from a stopped encoding, {running_ms:.0f} ms from a running one")
    assert longest_step_back(numbers) <= SHOWN_AGAIN
    assert max(stopped_ms, running_ms) <= LARGE_WITHIN_MS * slowness()


async def is_active(met: Company, rid: str) -> bool:
    """Whether the speaker's page lets this encoding be sent."""
    return (await met.active())[rid]


async def test_ten_switches_leave_no_trace(met: Company, say: Say) -> None:
    await met.enlarge()
    await until(lambda: has_height(met, LARGE), "large frames are counted")
    before, since = await met.received(), await met.viewer.ruler.now()
    took = []
    for _ in range(SWITCHES // 2):
        took.append(await met.shrink())
        await met.viewer.sees(met.speaker, frames=LOOKED_AT)
        took.append(await met.enlarge())
        await met.viewer.sees(met.speaker, frames=LOOKED_AT)
    after, now = await met.received(), await met.viewer.ruler.now()
    numbers = await met.numbers(since)
    freeze_s = receiving.longest_gap_s(since, await receiving.painted_at(met.viewer, met.speaker, since), now)
    lost, dropped = (after[field] - before[field] for field in ("packetsLost", "framesDropped"))
    say(
        f"{SWITCHES} switches: at most {max(took[::2]):.0f} ms down, {max(took[1::2]):.0f} ms up;"
        f" longest freeze {freeze_s:.2f} s, {lost} packets lost, {dropped} frames dropped,"
        f" {after['freezeCount'] - before['freezeCount']} freezes counted, {after['pliCount'] - before['pliCount']} PLI"
    )
    assert longest_step_back(numbers) <= SHOWN_AGAIN
    assert freeze_s <= FREEZE_S * slowness()
    assert lost == 0
    assert after["ssrc"] == before["ssrc"]
    assert max(took) <= LARGE_WITHIN_MS * slowness()
