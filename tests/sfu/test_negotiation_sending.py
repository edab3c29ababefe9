"""What our answers make a real Chromium send."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.async_api import Page

from sfu import sdp
from sfu.negotiation import AcceptedMedia, answer_publisher
from tests.sfu.browser import chromium_page
from tests.sfu.clients import until
from tests.sfu.farend import FarEnd, far_end

pytestmark = pytest.mark.browser

# A microphone, and a camera in three sizes: of a smaller one, Chromium leaves the largest out. In VP9 and
# AV1, encodings without a mode would be layers of one stream.
PUBLISH = """async () => {
  const pc = window.pc = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 960, height: 540}});
  const sendEncodings = [['l', 4], ['m', 2], ['h', 1]].map(([rid, scaleResolutionDownBy]) => (
    {rid, scaleResolutionDownBy, scalabilityMode: 'L1T1'}));
  pc.addTransceiver(stream.getAudioTracks()[0], {direction: 'sendonly', streams: [stream]});
  pc.addTransceiver(stream.getVideoTracks()[0], {direction: 'sendonly', streams: [stream], sendEncodings});
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}"""
OUTBOUND = """async () => {
  const stats = await window.pc.getStats();
  const found = [...stats.values()].filter((one) => one.type === 'outbound-rtp');
  return found.map((one) => ({...one, codec: stats.get(one.codecId)?.mimeType}));
}"""
ENCODINGS = "pc.getSenders()[1].getParameters().encodings.map((one) => one.rid)"


async def published(page: Page, end: FarEnd, codecs: Sequence[str], red: bool = False) -> list[AcceptedMedia]:
    """A page that sends to `end` what we have answered."""
    # The far end can say what may be sent, but not when each packet came.
    text = "\n".join(line for line in (await page.evaluate(PUBLISH)).splitlines() if "-wide-cc" not in line)
    offer = sdp.parse(text)
    agreement = answer_publisher(offer, end.local(), codecs=codecs, red=red)
    answer = sdp.serialise(agreement.description)
    await page.evaluate("sdp => pc.setRemoteDescription({type: 'answer', sdp})", answer)
    await end.connect(agreement.remote)
    return list(agreement.media)


async def layers(page: Page) -> dict[str, dict[str, Any]]:
    """What is sent of the camera, by rid."""
    return {one["rid"]: one for one in await page.evaluate(OUTBOUND) if one["kind"] == "video"}


async def until_sent(page: Page) -> dict[str, dict[str, Any]]:
    """Wait until all layers of the camera are sent."""
    deadline = time.monotonic() + 15
    sent = await layers(page)
    while not all(one["framesSent"] > 5 for one in sent.values()):
        assert time.monotonic() < deadline, sent
        await asyncio.sleep(0.1)
        sent = await layers(page)
    return sent


@pytest.mark.parametrize(
    ("codecs", "name"),
    [(("VP8",), "VP8"), (("H264", "VP8"), "H264"), (("VP9", "VP8"), "VP9"), (("AV1", "VP9", "VP8"), "AV1")],
)
async def test_chromium_sends_three_layers_in_the_preferred_codec(codecs: tuple[str, ...], name: str) -> None:
    async with chromium_page() as page, far_end() as end:
        _, video = await published(page, end, codecs)
        sent = await until_sent(page)
        assert set(sent) == set(video.rids) == {"l", "m", "h"}
        assert sorted(one["frameWidth"] for one in sent.values()) == [240, 480, 960]
        assert {one["codec"] for one in sent.values()} == {f"video/{name}"}
        assert end.received[video.codecs[0].codec.payload_type] > 15
        assert await page.evaluate(ENCODINGS) == ["l", "m", "h"]


@pytest.mark.parametrize("red", [False, True])
async def test_sound_is_repeated_where_we_ask_for_it(red: bool) -> None:
    async with chromium_page() as page, far_end() as end:
        audio, _ = await published(page, end, ("VP8",), red)
        wanted, *others = [one.codec.payload_type for one in audio.codecs]
        await until(lambda: end.received[wanted] > 20)
        assert len(others) == red
        assert not any(end.received[other] for other in others)
