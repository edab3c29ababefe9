"""One meeting of three people, held in three real browsers, from signing in to its end.

The story waits for what a person would wait for; what it saw on the way is kept in `Held` for the tests to
judge. It is told once for all tests of `test_first_meeting.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from playwright.async_api import expect

from tests.support import browser, material
from tests.support.browser import until
from tests.support.pages import Pages
from tests.support.ruler import Marks
from tests.support.server import PASSWORD, Api, Server

TITLE = "Họp giao ban tuần 47"
NAMES = ("Trần Thị Bình", "Lê Văn Cường", "Nguyễn Thị Dung")
LANGUAGES = ("vi", "vi", "en")
MESSAGE = "Đã nhận tài liệu <b>số 12</b> & xin ý kiến"
# Long enough for a share of frames to mean something.
WATCHED_MS = 6000
FULL = WATCHED_MS / 1000 * material.FRAME_RATE
WATCHED_TIMES = 5


@dataclass
class Held:
    """What was seen and heard, by whom."""

    server: Server
    api: Api
    meeting: str
    people: list[Pages]
    ids: list[str] = field(default_factory=list)
    joined: dict[int, tuple[datetime, datetime]] = field(default_factory=dict)
    left: dict[int, tuple[datetime, datetime]] = field(default_factory=dict)
    # (viewer, owner) → numbers painted while everything was on
    numbers: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    strangers: list[Any] = field(default_factory=list)
    beeps: dict[tuple[int, int], int] = field(default_factory=dict)
    captured: dict[int, Marks] = field(default_factory=dict)
    wall_clock: dict[int, float] = field(default_factory=dict)
    seen_chat: list[str] = field(default_factory=list)
    watchable_after_s: float = 0.0
    join_to_picture_s: dict[int, float] = field(default_factory=dict)
    rejoined_in_s: float = 0.0

    @property
    def chair(self) -> Pages:
        return self.people[0]


async def hold(stack: AsyncExitStack, server: Server, api: Api, materials: list[material.Material]) -> Held:
    """Tell the whole story."""
    people = [await _person(stack, server, *each) for each in zip(materials, LANGUAGES, strict=True)]
    link, meeting = await _prepare(people[0], api)
    held = Held(server, api, meeting, people)
    await _gather(held, link)
    await _record(held)
    await _watch(held)
    await _mute_and_darken(held)
    await _share(held)
    await _speak_up(held)
    await _reload(held)
    await _part(held)
    return held


async def _person(stack: AsyncExitStack, server: Server, made: material.Material, language: str) -> Pages:
    locale = {"vi": "vi-VN", "en": "en-GB"}[language]
    participant = await stack.enter_async_context(browser.chromium(made, locale=locale))
    return Pages(participant, server.origin, language)


async def _prepare(chair: Pages, api: Api) -> tuple[str, str]:
    """The chair signs in, makes the meeting, copies its link."""
    for language in ("en", "vi"):
        await Pages(chair.participant, chair.origin, language).open("/")
        await expect(chair.page.get_by_role("button").first).to_be_visible()
        await chair.participant.screenshot(f"sign-in-{language}")
    await chair.sign_in("admin", PASSWORD)
    link = await chair.create_meeting(TITLE)
    await chair.participant.screenshot("home-vi")
    meetings = await api.ask("GET", "/api/v1/meetings")
    meeting = next(item for item in meetings["meetings"] if item["title"] == TITLE)
    assert link == meeting["join_url"]
    return link, meeting["id"]


async def _gather(held: Held, link: str) -> None:
    """All three check their devices and go in, one after the other."""
    await asyncio.gather(
        *(person.device_check(link, name) for person, name in zip(held.people, NAMES, strict=True))
    )
    for person in held.people:
        await person.participant.screenshot(f"device-check-{person.participant.index}-{person.language}")
    for index, person in enumerate(held.people):
        held.joined[index] = await person.join()
        if index:
            loop = asyncio.get_running_loop()
            before = loop.time()
            await person.sees(held.chair, frames=1)
            waited = loop.time() - before
            clicked, there = held.joined[index]
            held.join_to_picture_s[index] = (there - clicked).total_seconds() + waited
    await asyncio.gather(*(viewer.sees(owner) for viewer, owner in pairs(held)))
    await asyncio.gather(*(viewer.hears(owner, 1) for viewer, owner in pairs(held)))
    tiles = await held.people[0].tiles() | await held.people[1].tiles()
    held.ids = [next(key for key, code in tiles.items() if code == index) for index in range(3)]


def pairs(held: Held) -> list[tuple[Pages, Pages]]:
    """Everybody with everybody else."""
    return [(viewer, owner) for viewer in held.people for owner in held.people if viewer is not owner]


async def _record(held: Held) -> None:
    """The chair starts recording; all three are told."""
    await held.chair.press("record")
    for person in held.people:
        await expect(person.page.get_by_text(person.part("recording")).first).to_be_visible()
        await person.participant.screenshot(f"meeting-{person.participant.index}-{person.language}")


async def _watch(held: Held) -> None:
    """Watch for some seconds, and again while not nearly every frame was seen; keep each pair's best.

    A machine that is busy with other things shows fewer frames for a while; a link that loses them, always.
    """
    for _ in range(WATCHED_TIMES):
        since = [await person.ruler.now() for person in held.people]
        await until(lambda since=since: _passed(held.chair, since[0]), "the seconds have passed", 20, 0.5)
        for viewer, owner in pairs(held):
            await _note(held, viewer, owner, since[viewer.participant.index])
        if all(len(numbers) >= 0.97 * FULL for numbers in held.numbers.values()):
            return


async def _passed(person: Pages, since: float) -> bool:
    return await person.ruler.now() - since >= WATCHED_MS


async def _note(held: Held, viewer: Pages, owner: Pages, since: float) -> None:
    v, o = viewer.participant.index, owner.participant.index
    painted = await viewer.ruler.painted(since, participant_id=held.ids[o], source="camera")
    read = [frame for frame in painted if frame.number is not None]
    held.strangers += [frame for frame in read if frame.participant != o]
    numbers = [frame.number for frame in read if frame.at_ms < since + WATCHED_MS]
    held.numbers[v, o] = max(held.numbers.get((v, o), []), numbers, key=len)
    held.beeps[v, o] = max(held.beeps.get((v, o), 0), len(await viewer.ruler.heard(o, since)))


async def _mute_and_darken(held: Held) -> None:
    """The chair's microphone and camera go off and on again; B notices each."""
    chair, other = held.chair, held.people[1]
    await chair.press("mute")
    await other.hears_no_more(chair)
    await chair.press("unmute")
    await other.hears(chair)
    await chair.press("camera_off")
    await other.sees_no_more(chair)
    await other.participant.screenshot("camera-off-vi")
    await chair.press("camera_on")
    await other.sees(chair)


async def _share(held: Held) -> None:
    """B shares a screen; the others read its numbers; B stops."""
    chair, sharer, third = held.people
    await sharer.participant.open_slides(sharer.origin)
    await sharer.press("share")
    await asyncio.gather(chair.sees(sharer, "screen"), third.sees(sharer, "screen"))
    await chair.participant.screenshot("screen-share-vi")
    await third.participant.screenshot("screen-share-en")
    await sharer.press("stop_sharing")
    await chair.sees_no_more(sharer, "screen")
    await chair.sees(sharer)


async def _speak_up(held: Held) -> None:
    """C raises a hand, B writes; everybody sees both, and markup stays text."""
    chair, writer, third = held.people
    await third.press("raise_hand")
    await until(lambda: held.api.events(held.meeting, "HandRaised"), "the raised hand is in the log")
    for person in held.people:
        await person.press("chat")
    await writer.page.get_by_role("textbox").locator("visible=true").first.fill(MESSAGE)
    await writer.page.keyboard.press("Enter")
    for person in held.people:
        shown = person.page.get_by_text(MESSAGE, exact=True).first
        await expect(shown).to_be_visible()
        held.seen_chat.append(await shown.inner_text())
    await chair.participant.screenshot("chat-and-hand-vi")
    await third.participant.screenshot("chat-and-hand-en")


async def _reload(held: Held) -> None:
    """C reloads the page and is back in the same seat without being asked again."""
    third = held.people[2]
    loop = asyncio.get_running_loop()
    before = loop.time()
    await third.page.reload()
    join = third.button("join")
    await expect(join.or_(third.button("leave")).first).to_be_visible(timeout=10_000)
    if await join.is_visible():
        await join.click()
    await asyncio.gather(
        third.sees(held.people[0]), held.people[0].sees(third), third.hears(held.people[1], 1)
    )
    held.rejoined_in_s = loop.time() - before


async def _part(held: Held) -> None:
    """C leaves; the chair ends the meeting for all; the recording becomes watchable."""
    loop = asyncio.get_running_loop()
    third = held.people[2]
    held.left[2] = await _leaving(held, 2, lambda: third.press("leave"))
    await held.chair.sees_no_more(third)
    for index in (0, 1):
        held.captured[index] = await held.people[index].ruler.captured(index)
        held.wall_clock[index] = await held.people[index].ruler.wall_clock()
    held.left[0] = await _leaving(held, 0, lambda: _end(held.chair))
    held.left[1] = held.left[0]
    before = loop.time()
    await until(lambda: held.api.events(held.meeting, "RecordingReady"), "the recording is ready", 15)
    held.watchable_after_s = loop.time() - before
    await held.people[1].participant.screenshot("ended-vi")


async def _end(chair: Pages) -> None:
    """End for all: the button, then the question whether one means it."""
    await chair.press("end")
    confirm = chair.page.get_by_role("dialog").get_by_role("button", name=chair.word("end"))
    await expect(confirm).to_be_visible()
    await chair.participant.screenshot("end-meeting-vi")
    await confirm.click()


async def _leaving(held: Held, index: int, act: Callable[[], Awaitable[object]]) -> tuple[datetime, datetime]:
    """Between when somebody left: before the click, and when the log had it."""

    async def left() -> bool:
        events = await held.api.events(held.meeting, "ParticipantLeft")
        return any(event["data"]["participant_id"] == held.ids[index] for event in events)

    before = datetime.now(UTC)
    await act()
    await until(left, f"participant {index} has left in the log")
    return before, datetime.now(UTC)
