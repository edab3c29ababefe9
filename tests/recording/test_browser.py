"""A finished recording in the browser that people use: it plays in time, it seeks."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import async_playwright

from tests.recording.harness import RecorderProcess, begin, camera, microphone
from tests.recording.material import pictures, sound

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-background-networking"]
# Play both files; note when the picture flashes and the beep sounds, by the page's clock; then seek.
SCRIPT = """async () => {
  const open = async (name) => {
    const element = document.createElement('video');
    element.src = '/rec/' + name;
    document.body.append(element);
    await new Promise((resolve, reject) => {
      element.onloadedmetadata = resolve;
      element.onerror = () => reject(new Error(element.error.message));
    });
    return element;
  };
  const video = await open('anna-camera-1.webm');
  const audio = await open('anna-microphone-1.webm');
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaElementSource(audio).connect(analyser);
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const samples = new Float32Array(512);
  const bright = () => {
    canvas.drawImage(video, 0, 0, 8, 8);
    return canvas.getImageData(4, 6, 1, 1).data[0] > 128;
  };
  const loud = () => {
    analyser.getFloatTimeDomainData(samples);
    return Math.max(...samples) > 0.1;
  };
  const seen = {durations: [video.duration, audio.duration], flashes: [], beeps: []};
  const before = {};
  await Promise.all([video.play(), audio.play()]);
  const start = performance.now();
  while (!video.ended || !audio.ended) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const [name, on] of [['flashes', bright()], ['beeps', loud()]]) {
      if (on && !before[name] && video.currentTime > 0.5) seen[name].push(performance.now() - start);
      before[name] = on;
    }
  }
  for (const element of [video, audio]) {
    element.currentTime = 2.5;
    await new Promise((resolve) => { element.onseeked = resolve; });
  }
  seen.sought = [video.currentTime, audio.currentTime];
  return seen;
}"""


@pytest.mark.browser
async def test_chromium_plays_a_recording_in_time_and_seeks(tmp_path: Path):
    """The sound has a hole: browsers would play what follows too early, were there no silence in it."""
    folder = tmp_path / "rec"
    async with RecorderProcess(tmp_path).running() as recorder:
        worker = await begin(recorder, folder)
        video, audio = camera(), microphone()
        v = worker.track("anna", "camera", video, video.ntp(0))
        a = worker.track("anna", "microphone", audio, audio.ntp(0))
        heard = [item for item in sound(4000) if not 1300 <= item.at_ms < 2900]
        groups = [audio.sound(item) for item in sound(4000)]
        kept = [group for item, group in zip(sound(4000), groups, strict=True) if item in heard]
        await worker.send((v, packet) for item in pictures(100) for packet in video.picture(item))
        await worker.send((a, packet) for group in kept for packet in group)
        await worker.close()
        await recorder.call("stop", recording_id="rec1", at_ms=4500)
    seen = await asyncio.wait_for(watch(folder, SCRIPT), 40)
    assert seen["durations"] == [pytest.approx(4.5, abs=0.03)] * 2
    assert seen["sought"] == [pytest.approx(2.5, abs=0.01)] * 2
    assert len(seen["flashes"]) == 3
    assert len(seen["beeps"]) == 2
    for flash, beep in ((seen["flashes"][0], seen["beeps"][0]), (seen["flashes"][2], seen["beeps"][1])):
        assert abs(flash - beep) <= 150, seen


# Play a file; note each size of the picture.
SIZES_SCRIPT = """async () => {
  const video = document.createElement('video');
  const sizes = [];
  video.addEventListener('resize', () => sizes.push(video.videoWidth));
  video.src = '/rec/anna-screen-10.webm';
  const ended = new Promise((resolve, reject) => {
    video.onended = resolve;
    video.onerror = () => reject(new Error(video.error.message));
  });
  await video.play();
  await ended;
  const quality = video.getVideoPlaybackQuality();
  return {sizes, shown: quality.totalVideoFrames};
}"""


@pytest.mark.browser
async def test_chromium_follows_sizes_that_change_within_a_file(tmp_path: Path):
    """Somebody drags the edge of a shared window: after ten files the tenth goes on."""
    folder = tmp_path / "rec"
    async with RecorderProcess(tmp_path).running() as recorder:
        worker = await begin(recorder, folder)
        video = camera()
        track = worker.track("anna", "screen", video, video.ntp(0))
        parts = [pictures(5, (96, 192)[n % 2], 96, first=n * 5) for n in range(16)]
        await worker.send(
            (track, packet) for part in parts for item in part for packet in video.picture(item)
        )
        await worker.close()
        assert len(await recorder.segments("stop", at_ms=3230)) == 10
    seen = await asyncio.wait_for(watch(folder, SIZES_SCRIPT), 40)
    assert seen["shown"] == 35
    assert set(seen["sizes"]) == {96, 192}


async def blank(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html>", content_type="text/html")


async def watch(folder: Path, script: str) -> dict:
    app = web.Application()
    app.router.add_get("/", blank)
    app.router.add_static("/rec", folder)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = await browser.new_page()
            await page.goto(f"http://127.0.0.1:{port}/")
            seen = await page.evaluate(script)
            await browser.close()
            return seen
    finally:
        await runner.cleanup()
