"""Meetings in each codec: Chromium sends it, Chromium decodes it, and whoever cannot is not left out."""

import time

import pytest

from tests.conftest import Say
from tests.media.company import LARGE, SHOWN_AGAIN, SMALL, Company, longest_step_back
from tests.support import receiving
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
        await two.shrink(within_ms=10_000)
        since = await two.viewer.ruler.now()
        await until(lambda: is_in(two, codec), f"both browsers count {codec}")
        before = await two.received()
        up_ms = await two.enlarge(LARGE, 10_000)
        await two.viewer.sees(two.speaker)
        down_ms = await two.shrink(SMALL, 10_000)
        await two.viewer.sees(two.speaker)
        again_ms = await two.enlarge()
        after, numbers = await two.received(), await two.numbers(since)
        sent = await two.sent()
        say(
            f"{codec}: up {up_ms:.0f} and {again_ms:.0f} ms, down {down_ms:.0f} ms; {len(numbers)} numbers read,"
            f" stood {await stood(two, since):.2f} s, {after['packetsLost'] - before['packetsLost']} lost,"
            f" {after['pliCount'] - before['pliCount']} PLI;"
            f" encoder {sent['h'].get('encoderImplementation')}, decoder {after.get('decoderImplementation')},"
            f" mode {sent['h'].get('scalabilityMode')}"
        )
        assert longest_step_back(numbers) <= SHOWN_AGAIN
        assert after["packetsLost"] == before["packetsLost"]
        assert max(down_ms, again_ms) <= SWITCH_WITHIN_MS * slowness()
    finally:
        await two.leave()


async def is_in(two: Company, codec: str) -> bool:
    """Whether this codec alone is sent and decoded."""
    name = f"video/{codec.upper()}"
    return await codecs_of(two) == ({name}, name)


async def test_whoever_has_only_vp8_is_not_left_out_of_an_av1_meeting(two: Company, say: Say) -> None:
    await two.meet("av1")
    try:
        await until(lambda: is_in(two, "av1"), "both browsers count av1")
        encoder = await two.api.seat(two.meeting, "Đầu giải mã cũ")
        async with Player(two.server.origin, encoder["token"]) as player:
            since, began = await two.viewer.ruler.now(), time.monotonic()
            await player.play(two.meeting, two.speaker_id)
            await until(lambda: some(player), "the newcomer gets a picture", 15, 0.02)
            picture_s = player.codes[0][0] - began
            await until(lambda: is_in(two, "vp8"), "both browsers count vp8")
            stood_s = await stood(two, since)
        since = await two.viewer.ruler.now()
        await until(lambda: is_in(two, "av1"), "both browsers count av1 again")
        back_s = await stood(two, since)
        say(
            f"vp8 into av1: the newcomer's picture after {picture_s:.2f} s; the viewer's stood {stood_s:.2f} s,"
            f" and {back_s:.2f} s when it had left"
        )
        assert max(picture_s, stood_s, back_s) <= CHANGE_WITHIN_S * slowness()
    finally:
        await two.leave()


async def some(player: Player) -> bool:
    """Whether a numbered picture came."""
    return bool(player.numbers())


async def stood(two: Company, since_ms: float) -> float:
    """The longest time since then in which the viewer saw nothing new of the speaker, in seconds."""
    at = await receiving.painted_at(two.viewer, two.speaker, since_ms)
    return receiving.longest_gap_s(since_ms, at, await two.viewer.ruler.now())


async def test_a_recorded_h264_meeting_goes_on(two: Company, say: Say) -> None:
    await two.meet("h264")
    try:
        await until(lambda: is_in(two, "h264"), "both browsers count h264")
        await two.api.record(two.meeting, "start")
        await until(lambda: warned(two), "the log says that a track is not recorded")
        await two.viewer.sees(two.speaker)
        await two.viewer.hears(two.speaker, 1)
        await two.api.record(two.meeting, "stop")
    finally:
        await two.leave()
    await until(lambda: two.api.events(two.meeting, "RecordingReady"), "the recording is ready", 15)
    closed = await two.api.events(two.meeting, "SegmentClosed")
    sources = sorted({event["data"]["source"] for event in closed})
    say(f"recorded of an h264 meeting: {', '.join(sources)}")
    assert sources == ["microphone"]


async def warned(two: Company) -> bool:
    """Whether the recorder has said what it refuses."""
    warnings = await two.api.events(two.meeting, "RecordingWarned")
    return any(event["data"]["reason"] == "track_refused" for event in warnings)
