"""One Chromium publishes, another receives: browsers are the real clients."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from tests.sfu.clients import MEETING, Server, running_node, until

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><meta charset="utf-8"><title>peer</title><script>
async function publish(owner, width, height) {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width, height}});
  const pc = window.pc = new RTCPeerConnection();
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  await pc.setLocalDescription();
  const sources = {};
  for (const t of pc.getTransceivers()) {
    sources[t.mid] = t.sender.track.kind === "audio" ? "microphone" : "camera";
  }
  const {sdp} = await window.call("publish", {offer: pc.localDescription.sdp, sources, owner});
  await pc.setRemoteDescription({type: "answer", sdp});
}
async function want(wants) {
  const pc = window.pc ??= new RTCPeerConnection();
  pc.ontrack ??= ({track, transceiver}) => {
    const element = document.createElement(track.kind === "audio" ? "audio" : "video");
    Object.assign(element, {autoplay: true, muted: true, srcObject: new MediaStream([track]), id:
    `m${transceiver.mid}`}); document.body.append(element);
  };
  const {sdp, slots} = await window.call("subscribe", {wants});
  if (sdp) {
    await pc.setRemoteDescription({type: "offer", sdp});
    await pc.setLocalDescription();
    await window.call("answer", {sdp: pc.localDescription.sdp});
  }
  return slots;
}
async function stats(type) {
  return [...(await window.pc.getStats()).values()].filter((one) => one.type === type);
}
</script>"""

FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


async def _open(browser: Browser, url: str, server: Server, peer: str) -> Page:
    async def call(method: str, params: dict[str, object]) -> object:
        meeting = {} if method == "answer" else {"meeting": MEETING}
        return await getattr(server.node, method)(peer=peer, **meeting, **params)

    page = await browser.new_page()
    await page.expose_function("call", call)
    await page.goto(url)
    return page


async def _inbound(page: Page, kind: str) -> dict[str, float]:
    stats = await page.evaluate("stats('inbound-rtp')")
    return next((one for one in stats if one["kind"] == kind and one.get("packetsReceived")), {})


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[tuple[Browser, str]]:
    """A browser, and the address of the page."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            try:
                yield browser, f"http://127.0.0.1:{runner.addresses[0][1]}/"
            finally:
                await browser.close()
    finally:
        await runner.cleanup()


def _tracks(owner: str) -> list[dict[str, str]]:
    return [{"owner": owner, "source": source} for source in ("microphone", "camera")]


async def _width_becomes(page: Page, width: int) -> None:
    await page.wait_for_function(f"document.querySelector('video')?.videoWidth === {width}", timeout=20_000)


async def test_chromium_sees_and_hears_chromium() -> None:
    async with chromium() as (browser, url), running_node() as server:
        alice, carol, bob = [await _open(browser, url, server, peer) for peer in ("p1", "p2", "s3")]
        await alice.evaluate("publish('alice', 640, 360)")
        await carol.evaluate("publish('carol', 320, 180)")
        await bob.evaluate("(wants) => want(wants)", _tracks("alice"))
        await until(lambda: ("connected", "") in server.states("s3"))
        await _width_becomes(bob, 640)
        await bob.wait_for_function("document.querySelector('video').currentTime > 2", timeout=20_000)
        await _check_quality(bob)
        # The slots go to Carol, then come back; Alice is muted and unmuted.
        assert len(await bob.evaluate("(wants) => want(wants)", _tracks("carol"))) == 2
        await _width_becomes(bob, 320)
        await bob.evaluate("(wants) => want(wants)", _tracks("alice"))
        await _width_becomes(bob, 640)
        await server.node.pause(MEETING, "alice", "camera", paused=True)
        await server.node.pause(MEETING, "alice", "camera", paused=False)
        decoded = (await _inbound(bob, "video"))["framesDecoded"]
        await _decodes(bob, decoded + 20)
        await _check_quality(bob)
        assert await bob.evaluate("document.querySelectorAll('video').length") == 1


async def _decodes(page: Page, frames: int) -> None:
    deadline = time.monotonic() + 20
    while (await _inbound(page, "video"))["framesDecoded"] < frames:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def _check_quality(page: Page) -> None:
    video, audio = await _inbound(page, "video"), await _inbound(page, "audio")
    assert video["framesDecoded"] > 20
    assert (video["packetsLost"], audio["packetsLost"]) == (0, 0)
    assert audio["totalSamplesReceived"] > 24_000
