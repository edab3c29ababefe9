"""Meetings in each codec: Chromium sends it, Chromium decodes it, and whoever cannot is not left out."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.media.company import LARGE, SMALL, Company
from tests.media.conftest import Say
from tests.support.browser import until
from tests.support.machine import slowness
from tests.support.streams import Player

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(90)]

# Promised: when somebody comes who cannot decode what is sent, everybody sees a picture again within this time.
CHANGE_WITHIN_S = 3.0
SWITCH_WITHIN_MS = 1000


async def codecs_of(two: Company) -> tuple[set[str], str]:
    """What the speaker's browser sends in the encodings that run, and what the viewer's decodes."""
    sent = {one["codec"] for one in (await two.sent()).values() if one.get("framesPerSecond")}
    return sent, (await two.received()).get("codec", "")


@pytest.mark.parametrize("codec", ["h264", "vp9", "av1"])
async def test_a_codec_is_sent_decoded_and_switched(two: Company, say: Say, codec: str) -> None:
    await two.meet(codec)
    try:
        since = await two.viewer.ruler.now()
        await two.shrink(within_ms=10_000)
        await until(lambda: is_in(two, codec), f"both browsers count {codec}")
        before = await two.received()
        up_ms, down_ms = await two.enlarge(LARGE, 10_000), await two.shrink(SMALL)
        again_ms = await two.enlarge()
        after, numbers = await two.received(), await two.numbers(since)
        sent = await two.sent()
        say(
            f"{codec}: up {up_ms:.0f} and {again_ms:.0f} ms, down {down_ms:.0f} ms; {len(numbers)} numbers read,"
            f" {after['packetsLost'] - before['packetsLost']} lost, {after['pliCount'] - before['pliCount']} PLI;"
            f" encoder {sent['h'].get('encoderImplementation')}, decoder {after.get('decoderImplementation')},"
            f" mode {sent['h'].get('scalabilityMode')}"
        )
        assert numbers == sorted(numbers)
        assert after["packetsLost"] == before["packetsLost"]
        assert max(down_ms, again_ms) <= SWITCH_WITHIN_MS * slowness()
    finally:
        await two.leave()


async def is_in(two: Company, codec: str) -> bool:
    """Whether this codec alone is sent and decoded."""
    name = f"video/{codec.upper()}"
    return await codecs_of(two) == ({name}, name)
