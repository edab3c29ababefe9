"""The product's pages as a person uses them: by what the buttons are called, in either language."""

import re
from datetime import UTC, datetime

from playwright.async_api import Locator, Page, expect

from tests.support.browser import Participant, until
from tests.support.ruler import Painted

WORDS = {
    "vi": {
        "sign_in": "Đăng nhập",
        "username": "Tên đăng nhập",
        "password": "Mật khẩu",
        "new_meeting": "Tạo cuộc họp",
        "title": "Tên cuộc họp",
        "copy_link": "Sao chép đường dẫn",
        "name": "Họ và tên",
        "join": "Vào phòng họp",
        "mute": "Tắt micro",
        "unmute": "Bật micro",
        "camera_off": "Tắt camera",
        "camera_on": "Bật camera",
        "share": "Chia sẻ màn hình",
        "stop_sharing": "Dừng chia sẻ",
        "raise_hand": "Xin phát biểu",
        "chat": "Trao đổi",
        "leave": "Rời cuộc họp",
        "end": "Kết thúc cuộc họp",
        "record": "Ghi hình",
        "recording": "Đang ghi",
        "play": "Phát",
    },
    "en": {
        "sign_in": "Sign in",
        "username": "User name",
        "password": "Password",
        "new_meeting": "New meeting",
        "title": "Title of the meeting",
        "copy_link": "Copy link",
        "name": "Name",
        "join": "Enter room",
        "mute": "Mute",
        "unmute": "Unmute",
        "camera_off": "Camera off",
        "camera_on": "Camera on",
        "share": "Share screen",
        "stop_sharing": "Stop sharing",
        "raise_hand": "Raise hand",
        "chat": "Chat",
        "leave": "Leave",
        "end": "End meeting for all",
        "record": "Record",
        "recording": "Recording",
        "play": "Play",
    },
}


class Pages:
    """One person's pages in one language."""

    def __init__(self, participant: Participant, origin: str, language: str = "vi") -> None:
        self.participant = participant
        self.page: Page = participant.page
        self.ruler = participant.ruler
        self.origin = origin
        self.language = language

    def word(self, key: str) -> re.Pattern[str]:
        """What a control is called, as a whole name."""
        return re.compile(rf"^\s*(?:{WORDS[self.language][key]})\s*$", re.IGNORECASE)

    def part(self, key: str) -> re.Pattern[str]:
        """The same words anywhere in a text."""
        return re.compile(WORDS[self.language][key], re.IGNORECASE)

    def button(self, key: str) -> Locator:
        """A button by its accessible name."""
        return self.page.get_by_role("button", name=self.word(key)).locator("visible=true").first

    def field(self, key: str) -> Locator:
        """A text field by its label."""
        return self.page.get_by_label(self.word(key)).locator("visible=true").first

    async def open(self, path: str) -> None:
        """Go to an address of the product, in this person's language."""
        url = path if "://" in path else self.origin + path
        base, hash_mark, fragment = url.partition("#")
        await self.page.goto(f"{base}{'&' if '?' in base else '?'}lang={self.language}{hash_mark}{fragment}")

    async def sign_in(self, username: str, password: str) -> None:
        """From the start page to one's meetings."""
        await self.open("/")
        await self.field("username").fill(username)
        await self.field("password").fill(password)
        await self.button("sign_in").click()
        await expect(self.button("new_meeting")).to_be_visible()

    async def create_meeting(self, title: str) -> str:
        """Make a meeting and return the link that the copy button gives."""
        await self.button("new_meeting").click()
        dialog = self.page.get_by_role("dialog")
        await dialog.get_by_label(self.word("title")).fill(title)
        await dialog.locator("button.primary, button[type=submit]").first.click()
        await expect(self.page.get_by_text(title).first).to_be_visible()
        await self.button("copy_link").click()
        return await until(
            lambda: self.page.evaluate("navigator.clipboard.readText()"), "the link was copied"
        )

    async def device_check(self, link: str, name: str | None = None) -> None:
        """Open the link, see oneself, type one's name; with a personal link it is set already."""
        await self.open(link)
        await expect(self.button("join")).to_be_visible()
        await until(lambda: self.local_picture(), "the device check shows the camera's picture")
        if name is not None:
            await self.field("name").fill(name)

    async def join(self) -> tuple[datetime, datetime]:
        """Click to join; when it was clicked and when the meeting was there."""
        clicked = datetime.now(UTC)
        await self.button("join").click()
        await expect(self.button("leave")).to_be_visible(timeout=10_000)
        return clicked, datetime.now(UTC)

    async def local_picture(self, since_ms: float = 0) -> list[Painted]:
        """What the page shows of its own camera."""
        painted = await self.ruler.painted(since_ms)
        return [
            frame
            for frame in painted
            if frame.source != "local" and frame.participant == self.participant.index
        ]

    async def press(self, key: str) -> float:
        """Click a button; the page's time just before."""
        now = await self.ruler.now()
        await self.button(key).click()
        return now

    async def sees(
        self, owner: "Pages", source: str = "camera", frames: int = 5, within_s: float = 10
    ) -> None:
        """Wait until numbered frames of somebody are painted here from now on."""
        since = await self.ruler.now()

        async def enough() -> bool:
            return len(await self.numbers_of(owner, since, source)) >= frames

        who, whom = self.participant.index, owner.participant.index
        await until(enough, f"{who} sees {source} of {whom}", 10, 0.25)

    async def hears(self, owner: "Pages", beeps: int = 2, within_s: float = 10) -> None:
        """Wait until somebody's beeps are heard here from now on."""
        since = await self.ruler.now()

        async def enough() -> bool:
            return len(await self.ruler.heard(owner.participant.index, since)) >= beeps

        who, whom = self.participant.index, owner.participant.index
        await until(enough, f"{who} hears {whom}", within_s, 0.4)

    async def hears_no_more(self, owner: "Pages", silence_ms: float = 2500, within_s: float = 10) -> None:
        """Wait until somebody has been silent here for longer than two beeps are apart."""

        async def silent() -> bool:
            now = await self.ruler.now()
            return now - since >= silence_ms and not await self.ruler.heard(
                owner.participant.index, now - silence_ms
            )

        since = await self.ruler.now()
        who, whom = self.participant.index, owner.participant.index
        await until(silent, f"{who} hears no more of {whom}", within_s, 0.4)

    async def sees_no_more(self, owner: "Pages", source: str = "camera", within_s: float = 8) -> None:
        """Wait until somebody's picture has stood still or been gone for a second."""
        since = await self.ruler.now()

        async def still() -> bool:
            now = await self.ruler.now()
            return now - since >= 1000 and not await self.numbers_of(owner, now - 1000, source)

        who, whom = self.participant.index, owner.participant.index
        await until(still, f"{who} sees no more {source} of {whom}", within_s, 0.25)

    async def numbers_of(self, owner: "Pages", since_ms: float, source: str = "camera") -> list[int]:
        """The numbers painted here in the tile of somebody's source, with the owner's own mark on them."""
        painted = await self.ruler.painted(since_ms, source=source)
        return [
            frame.number
            for frame in painted
            if frame.number is not None and frame.participant == owner.participant.index
        ]

    async def tiles(self) -> dict[str, int]:
        """Which participant id shows whose camera, by the code in the picture."""
        painted = await self.ruler.painted(source="camera")
        return {
            frame.participant_id: frame.participant
            for frame in painted
            if frame.participant_id and frame.number is not None
        }
