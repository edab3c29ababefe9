"""A call over lines that can be made bad: one who speaks, one who watches, each in a host of a test network."""

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import browser, detailed, material, receiving
from tests.support.browser import until
from tests.support.material import Material
from tests.support.network import Host, Network
from tests.support.pages import Pages
from tests.support.receiving import Got
from tests.support.server import Api, Server, serving

PIN = re.compile("^Ghim: ")
# Of 15 frames a second; what a machine that is busy with both browsers may miss is not the line's.
FULL_FPS = 13
# A browser's own estimate climbs by 8 % a second, and may have fallen to a tenth.
WHOLE_WITHIN_S = 60
# What is waited for is looked at over this time.
LOOK_MS = 1000


@dataclass
class Call:
    """Who is in it, at which host, over which server."""

    server: Server
    speaker: Pages
    viewer: Pages
    hosts: dict[str, Host]

    async def watch(self, seconds: float) -> Got:
        """What comes at the viewer in the seconds to come."""
        since = await self.viewer.ruler.now()
        await asyncio.sleep(seconds)
        return await self.got(since)

    async def got(self, since_ms: float) -> Got:
        """What came at the viewer since a time of its page."""
        return await receiving.got(self.viewer, self.speaker, since_ms)

    async def now(self) -> float:
        """The viewer page's clock."""
        return await self.viewer.ruler.now()

    async def is_whole(self) -> bool:
        """Whether picture and sound came in full in the last second."""
        last = await self.got(await self.now() - LOOK_MS)
        return last.height >= detailed.HEIGHT and last.fps >= FULL_FPS and last.played >= 0.95

    async def is_back(self, since_ms: float) -> bool:
        """Whether picture and sound have come for a second since then."""
        now = await self.now()
        if now - since_ms < LOOK_MS:
            return False
        last = await self.got(now - LOOK_MS)
        return last.fps >= FULL_FPS / 2 and last.played >= 0.5

    async def whole(self, within_s: float = WHOLE_WITHIN_S) -> None:
        """Wait until everything comes in full, as on a clean line."""
        try:
            await until(self.is_whole, "picture and sound come in full", within_s, 0.25)
        except AssertionError as error:
            last = await self.got(await self.now() - LOOK_MS)
            raise AssertionError(f"{error}; the last second: {last}") from None

    async def whole_after_s(self, within_s: float) -> float:
        """Wait likewise; how long after now it was so, infinite when it was not."""
        since = await self.now()
        try:
            await self.whole(within_s)
        except AssertionError:
            return math.inf
        return max(0.0, await self.now() - since - LOOK_MS) / 1000

    async def clean(self) -> None:
        """Take back what was done to the lines, and wait until nothing of it is left."""
        for host in self.hosts.values():
            host.set()
        await self.whole()


@asynccontextmanager
async def held(network: Network, directory: Path) -> AsyncIterator[Call]:
    """A call under way, its picture large and in full."""
    hosts = {side: network.host(side) for side in ("speaker", "viewer")}
    small = [material.make(directory, participant) for participant in range(2)]
    camera = detailed.write_camera(directory / "detailed.y4m", 0)
    materials = {"speaker": Material(0, camera, small[0].microphone), "viewer": small[1]}
    async with (
        serving(directory / "data", tls="auto", address=network.address) as server,
        Api(server.origin) as api,
        _browser(hosts["speaker"], materials["speaker"], directory) as one,
        _browser(hosts["viewer"], materials["viewer"], directory) as other,
    ):
        await api.login()
        meeting = (await api.create_meeting("Họp qua đường truyền kém"))["id"]
        speaker, viewer = Pages(one, server.origin), Pages(other, server.origin)
        for person, name, role in ((speaker, "Chủ trì", "chair"), (viewer, "Điểm cầu xã", "delegate")):
            await person.device_check((await api.seat(meeting, name, role))["join_url"])
            if person is viewer:
                await person.press("camera_off")
                await person.press("mute")
            await person.join()
        await viewer.page.get_by_role("button", name=PIN).first.click()
        await viewer.sees(speaker)
        await viewer.hears(speaker, 1)
        call = Call(server, speaker, viewer, hosts)
        await call.whole(30)
        yield call


@asynccontextmanager
async def _browser(host: Host, made: Material, directory: Path) -> AsyncIterator[browser.Participant]:
    executable = host.executable(browser.CHROMIUM, directory)
    async with browser.chromium(made, executable=executable) as participant:
        await participant.page.set_viewport_size({"width": 1280, "height": 720})
        await participant.context.add_init_script(path=receiving.SCRIPT)
        yield participant
