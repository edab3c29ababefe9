"""Debian's Chromium as one participant: a process of its own, with its own camera and microphone files."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    async_playwright,
)

from tests.support import barcode
from tests.support.material import Material
from tests.support.ruler import SCRIPT, Ruler

T = TypeVar("T")
CHROMIUM = "/usr/bin/chromium"
ARTIFACTS = Path(os.environ.get("ARTIFACTS", "artifacts"))
SLIDES_TITLE = "Slides"
PERMISSIONS = ["camera", "microphone", "clipboard-read", "clipboard-write"]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--mute-audio",
    "--allow-loopback-in-peer-connection",
    f"--auto-select-tab-capture-source-by-title={SLIDES_TITLE}",
    "--use-fake-device-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SHOW_SLIDES = """([participant, kind]) => {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: innerWidth, height: innerHeight });
  document.body.append(canvas);
  let number = 0;
  setInterval(() => __ruler.drawCode(canvas, number++ % 4096, participant, kind), 200);
}"""
# Chromium writes every refusal into the console. Whoever is not signed in asks who they are and is told "nobody".
ALLOWED_CONSOLE = (re.compile(r"status of 401 .*/api/v1/me\)$"),)


class Participant:
    """One person at one browser with one page."""

    def __init__(self, context: BrowserContext, page: Page, material: Material) -> None:
        self.context = context
        self.page = page
        self.material = material
        self.index = material.participant
        self.ruler = Ruler(page)
        self.faults: list[str] = []
        self.allowed: list[re.Pattern[str]] = list(ALLOWED_CONSOLE)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("requestfailed", self._request_failed)

    async def screenshot(self, name: str) -> None:
        """Keep a picture of the page to be looked at; artifacts are not in the repository."""
        folder = ARTIFACTS / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=folder / f"{name}.png")

    async def open_slides(self, origin: str) -> Page:
        """A second tab whose numbered pictures are what this participant's screen sharing shows."""
        slides = await self.context.new_page()
        body = f"<!doctype html><title>{SLIDES_TITLE}</title><style>body {{ margin: 0 }}</style><body>"
        await slides.route(
            f"{origin}/slides", lambda route: route.fulfill(body=body, content_type="text/html")
        )
        await slides.goto(f"{origin}/slides")
        await slides.evaluate(SHOW_SLIDES, [self.index, barcode.SCREEN])
        await self.page.bring_to_front()
        return slides

    def assert_no_faults(self) -> None:
        """Nothing was logged as an error, thrown, or blocked by the page's own policy."""
        faults = [fault for fault in self.faults if not any(rule.search(fault) for rule in self.allowed)]
        assert not faults, f"participant {self.index}: {faults}"

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _request_failed(self, request: Request) -> None:
        # What a reload or a closed page cuts off is not a fault of the page.
        if request.failure not in ("net::ERR_ABORTED", None):
            self.faults.append(f"request: {request.url} {request.failure}")


@asynccontextmanager
async def chromium(
    material: Material,
    *,
    locale: str = "vi-VN",
    flags: tuple[str, ...] = (),
    executable: str | Path = CHROMIUM,
) -> AsyncIterator[Participant]:
    """A browser that sees and hears the material, closed with all its processes at the end."""
    async with async_playwright() as playwright:
        participant = await _launch(playwright, material, locale, flags, executable)
        try:
            yield participant
        finally:
            browser = participant.context.browser
            assert browser is not None
            await browser.close()


async def _launch(
    playwright: Playwright, material: Material, locale: str, flags: tuple[str, ...], executable: str | Path
) -> Participant:
    browser = await playwright.chromium.launch(
        executable_path=executable,
        args=[
            *FLAGS,
            *flags,
            f"--use-file-for-fake-video-capture={material.camera}",
            f"--use-file-for-fake-audio-capture={material.microphone}",
        ],
    )
    context = await browser.new_context(
        locale=locale, ignore_https_errors=True, viewport={"width": 1024, "height": 640}
    )
    context.set_default_timeout(10_000)
    await context.grant_permissions(PERMISSIONS)
    await context.add_init_script(path=SCRIPT)
    return Participant(context, await context.new_page(), material)


async def until(
    check: Callable[[], Awaitable[T]], what: str, within_s: float = 10, every_s: float = 0.1
) -> T:
    """Ask until the answer is true, and return it; fail with `what` when it never is."""
    deadline = time.monotonic() + within_s
    while True:
        answer = await check()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s} s: {what} (last answer: {answer!r})")
        await asyncio.sleep(every_s)
