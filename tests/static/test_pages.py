"""The pages in a real browser over the real HTTP side: what a person finds there, and can do next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from rooms.ids import MeetingId, RecordingId, new_id
from server.storage.recordings import RecordingRow, RecordingState
from tests.support.browser import CHROMIUM, FLAGS
from tests.support.site import PASSWORD, Site, serve

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LONG_WORD = "Họp" * 40
PAGE_OF_MEETINGS = 100
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"


@dataclass
class House:
    """A server, a browser, and who is signed in there."""

    site: Site
    client: aiohttp.ClientSession
    manager: BrowserContext
    guest: BrowserContext

    @asynccontextmanager
    async def page(self, path: str, guest: bool = False) -> AsyncIterator[Page]:
        """A page of the manager, or of somebody without an account."""
        page = await (self.guest if guest else self.manager).new_page()
        await page.goto(self.site.url + path)
        yield page
        await page.close()

    async def meeting(self, title: str) -> dict[str, Any]:
        """{id, code, join_url}"""
        async with self.client.post("/api/v1/meetings", json={"title": title}) as answer:
            return await answer.json()

    async def ended(self, title: str) -> dict[str, Any]:
        """A meeting that was held, unrecorded, and is over."""
        meeting = await self.meeting(title)
        await self.site.admit(meeting["id"], "Lan")
        async with self.client.post(f"/api/v1/meetings/{meeting['id']}/end") as answer:
            assert answer.status == 200
        return meeting

    async def recorded(self, meeting: dict[str, Any], state: RecordingState) -> str:
        """The id of a recording without a single file."""
        recording = RecordingId(new_id())
        row = RecordingRow(
            recording, MeetingId(meeting["id"]), RecordingState.RECORDING, self.site.clock(), 0
        )
        await self.site.storage.recordings.add(row)
        await self.site.storage.recordings.update(recording, state, self.site.clock(), duration_ms=1000)
        return recording


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One for all tests of this file."""
    async with serve(tmp_path_factory.mktemp("pages")) as site, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        manager, guest = await browser.new_context(), await browser.new_context()
        house = House(site, await site.sign_in(), manager, guest)
        async with house.page("/?lang=vi") as page:
            await page.get_by_label("Tên đăng nhập").fill("admin")
            await page.get_by_label("Mật khẩu").fill(PASSWORD)
            await page.get_by_role("button", name="Đăng nhập").click()
            await expect(page.get_by_role("button", name="Tạo cuộc họp")).to_be_visible()
        yield house
        await browser.close()


async def test_a_wrong_link_offers_no_way_back_into_it(house):
    async with house.page("/m/nirgends?lang=en", guest=True) as page:
        await expect(page.get_by_role("heading", level=1)).to_have_text("The meeting could not be entered")
        await expect(page).to_have_title("The meeting could not be entered – Diemcau")
        await expect(page.get_by_role("button", name="Return")).to_have_count(0)


async def test_a_guest_is_refused_nothing_at_the_device_check(house):
    meeting, refused = await house.meeting("Họp"), []
    async with house.page("/m/nirgends", guest=True) as page:
        page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
        await page.goto(meeting["join_url"])
        await expect(page.get_by_role("heading", level=1)).to_have_text("Họp")
        assert refused == []


async def test_a_long_word_stays_inside_the_page(house):
    meeting = await house.meeting(LONG_WORD)
    async with house.page("/") as page:
        for path in ("/", f"/m/{meeting['code']}"):
            await page.goto(house.site.url + path)
            await expect(page.get_by_text(LONG_WORD)).to_be_visible()
            for width in (390, 1280):
                await page.set_viewport_size({"width": width, "height": 800})
                assert not await page.evaluate(TOO_WIDE), f"{path} at {width}"


async def test_after_an_unrecorded_meeting_its_manager_gets_the_minutes(house):
    meeting = await house.ended("Họp không ghi")
    async with house.page(f"/m/{meeting['code']}?lang=en") as page:
        minutes = page.get_by_role("link", name="Read the minutes")
        address = f"/api/v1/meetings/{meeting['id']}/minutes?format=html&lang=en"
        await expect(minutes).to_have_attribute("href", address)
        await expect(page.get_by_role("link", name="Download PDF")).to_be_visible()
        await expect(page.get_by_role("link", name="Watch the recording")).to_have_count(0)
        await expect(page.get_by_role("link", name="Recordings")).to_be_visible()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (RecordingState.READY, "Nothing was recorded in picture or sound."),
        (RecordingState.PROCESSING, "The recording is not ready yet."),
    ],
)
async def test_a_recording_without_media_says_so_and_has_minutes(house, state, told):
    recording = await house.recorded(await house.ended("Họp im lặng"), state)
    async with house.page(f"/archive/{recording}?lang=en") as page:
        await expect(page.get_by_role("status")).to_contain_text(told)
        await expect(page.get_by_role("link", name="Read the minutes")).to_be_visible()


@pytest.mark.parametrize("recording", ["nope", "a" * 26])
async def test_an_unknown_recording_is_not_asked_for_again(house, recording):
    async with house.page(f"/archive/{recording}?lang=en") as page:
        await expect(page.get_by_role("alert")).to_contain_text("There is no such recording.")
        await expect(page.get_by_role("button", name="Try again")).to_have_count(0)


async def test_a_wrong_code_is_shown_at_its_field(house):
    async with house.page("/sign-in?lang=en", guest=True) as page:
        await page.get_by_label("Meeting code or link").fill("???")
        await page.get_by_role("button", name="Join meeting").click()
        await expect(page.get_by_label("Meeting code or link")).to_be_focused()
        await expect(page.get_by_label("Meeting code or link")).to_have_css(
            "border-color", "rgb(179, 38, 30)"
        )


async def test_a_refused_title_is_forgotten_when_one_asks_anew(house):
    async with house.page("/?lang=en") as page:
        dialog = page.get_by_role("dialog")
        await page.get_by_role("button", name="New meeting").click()
        await dialog.get_by_label("Title of the meeting").fill("\u200b")
        await dialog.get_by_role("button", name="Create meeting").click()
        await expect(dialog.get_by_role("alert")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="New meeting").click()
        await expect(dialog.get_by_role("alert")).to_have_count(0)


async def test_a_list_goes_on_behind_its_first_page(house):
    await asyncio.gather(*(house.meeting(f"Họp {number}") for number in range(PAGE_OF_MEETINGS + 1)))
    async with house.page("/?lang=en") as page:
        rows = page.get_by_role("listitem")
        await expect(rows).to_have_count(PAGE_OF_MEETINGS)
        await page.get_by_role("button", name="Show more").click()
        await expect(rows.nth(PAGE_OF_MEETINGS)).to_be_focused()
        await expect(page.get_by_role("button", name="Show more")).to_have_count(0)
