"""Who is in the meetings of these tests: a speaker with a large camera and a viewer, each at a real Chromium."""

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import browser, detailed
from tests.support.browser import until
from tests.support.material import Material
from tests.support.pages import Pages
from tests.support.ruler import unwrapped
from tests.support.server import Api, Server

SCRIPT = Path(__file__).with_name("connections.js")
SPEAKER, VIEWER = "Chủ trì", "Điểm cầu xã"
SMALL, MIDDLE, LARGE = detailed.HEIGHT // 4, detailed.HEIGHT // 2, detailed.HEIGHT
Stats = dict[str, Any]
# With each switch the page shows the track in a new element, which may begin with what the old one has just shown.
SHOWN_AGAIN = 3
# Pages of these tests play sound that nobody has clicked for.
FLAGS = ("--autoplay-policy=no-user-gesture-required",)


@dataclass
class Company:
    """Two people, who meet anew for each test."""

    server: Server
    api: Api
    speaker: Pages
    viewer: Pages
    meeting: str = ""
    speaker_id: str = ""
    viewer_id: str = ""

    async def meet(self, codec: str = "vp8") -> None:
        """Into a new meeting, the viewer with camera and microphone off, until the speaker is seen."""
        body = {"title": "Họp nhiều lớp hình", "video_codec": codec}
        self.meeting = (await self.api.ask("POST", "/api/v1/meetings", body))["id"]
        chair = await self.api.seat(self.meeting, SPEAKER, "chair")
        guest = await self.api.seat(self.meeting, VIEWER)
        self.speaker_id, self.viewer_id = chair["participant_id"], guest["participant_id"]
        await self.speaker.device_check(chair["join_url"])
        await self.speaker.join()
        await self.viewer.device_check(guest["join_url"])
        await self.viewer.press("camera_off")
        await self.viewer.press("mute")
        await self.viewer.join()
        await self.viewer.sees(self.speaker)

    async def leave(self) -> None:
        """Both go, and their pages show nothing any more."""
        for person in (self.viewer, self.speaker):
            await person.page.goto("about:blank")
        await self.api.end(self.meeting)

    async def enlarge(self, lines: int = LARGE, within_ms: int = 5000) -> float:
        """Ask for the speaker as the main picture; milliseconds until the first frame of so many lines."""
        return await self._pin(SPEAKER, lines, within_ms)

    async def shrink(self, lines: int = SMALL, within_ms: int = 5000) -> float:
        """Make the viewer's own place the main picture: the speaker's is a thumbnail then."""
        return await self._pin(VIEWER, lines, within_ms)

    async def _pin(self, name: str, lines: int, within_ms: int) -> float:
        script = """([label, id, lines, within]) => __connections.untilHeight(
            () => document.querySelector(`button[aria-label="${label}"]`)?.click(), id, lines, within)"""
        return await self.viewer.page.evaluate(script, [f"Ghim: {name}", self.speaker_id, lines, within_ms])

    async def received(self) -> Stats:
        """What the viewer's browser counts of the picture that comes."""
        found = await stats(self.viewer, "inbound-rtp")
        video = [one for one in found if one["kind"] == "video" and one["packetsReceived"]]
        return max(video, key=lambda one: one["lastPacketReceivedTimestamp"], default={})

    async def sent(self) -> dict[str, Stats]:
        """What the speaker's browser counts of each encoding of the camera, by rid."""
        found = await stats(self.speaker, "outbound-rtp")
        return {one.get("rid", ""): one for one in found if one["kind"] == "video"}

    async def active(self) -> dict[str, bool]:
        """Which encodings the speaker's page lets its browser send."""
        encodings = await self.speaker.page.evaluate("__connections.encodings()")
        return {one.get("rid", ""): one["active"] for one in encodings}

    async def numbers(self, since_ms: float) -> list[int]:
        """The speaker's frames as the viewer painted them, counted through the loop."""
        return unwrapped(await self.viewer.numbers_of(self.speaker, since_ms), detailed.FRAMES)

    async def idle(self, rid: str) -> bool:
        """Whether an encoding is stopped: not one more frame within half a second."""
        before = (await self.sent())[rid]
        await self.speaker.page.wait_for_timeout(500)
        after = (await self.sent())[rid]
        return all(before[field] == after[field] for field in ("framesEncoded", "bytesSent"))

    async def until_idle(self, rid: str, within_s: float = 10) -> None:
        """Wait for that."""
        await until(lambda: self.idle(rid), f"encoding {rid} is stopped", within_s, 0)


def longest_step_back(numbers: list[int]) -> int:
    """By how many frames the picture went back at most: 0 when the numbers only rose."""
    return max((earlier - later for earlier, later in itertools.pairwise(numbers)), default=0)


async def stats(person: Pages, kind: str) -> list[Stats]:
    """The entries of one type of `getStats`, of all connections of a page."""
    return await person.page.evaluate("kind => __connections.stats(kind)", kind)


@asynccontextmanager
async def company(
    server: Server, api: Api, materials: list[Material], directory: Path
) -> AsyncIterator[Company]:
    """The two browsers, nowhere yet."""
    camera = detailed.write_camera(directory / "detailed.y4m", 0)
    made = (Material(0, camera, materials[0].microphone), materials[1])
    async with AsyncExitStack() as stack:
        people = []
        for each in made:
            participant = await stack.enter_async_context(browser.chromium(each, flags=FLAGS))
            await participant.context.add_init_script(path=SCRIPT)
            people.append(Pages(participant, server.origin))
        yield Company(server, api, *people)
