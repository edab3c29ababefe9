"""The first meeting, end to end: three browsers, one server, judged by what came through (see `held.py`)."""

import html
import io
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import docx
import pypdf
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.held import LANGUAGES, MESSAGE, NAMES, TITLE, Held, hold
from tests.support import files, material
from tests.support.browser import until
from tests.support.machine import slowness
from tests.support.pages import Pages
from tests.support.ruler import delay_ms, unwrapped
from tests.support.server import Api, Server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

PAIRS = [(viewer, owner) for viewer in range(3) for owner in range(3) if viewer != owner]
SECOND = timedelta(seconds=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def held(server: Server, api: Api, materials: list[material.Material]) -> AsyncIterator[Held]:
    """The meeting, over; the browsers still open."""
    async with AsyncExitStack() as stack:
        yield await hold(stack, server, api, materials)


@pytest.mark.parametrize(("viewer", "owner"), PAIRS)
async def test_what_is_painted_is_what_was_sent_in_order_and_nearly_all(held, viewer, owner):
    counted = unwrapped(held.numbers[viewer, owner])
    share = len(set(counted)) / (counted[-1] - counted[0] + 1)
    assert share >= 0.95, f"{share:.1%} of the frames"
    assert counted == sorted(counted)
    assert len(counted) >= 4 * material.FRAME_RATE


async def test_no_picture_shows_in_somebody_elses_tile(held):
    assert held.strangers == []


@pytest.mark.parametrize(("viewer", "owner"), PAIRS)
async def test_everybody_hears_everybody(held, viewer, owner):
    assert held.beeps[viewer, owner] >= 4


async def test_markup_in_the_chat_is_text(held):
    assert held.seen_chat == [MESSAGE] * 3


async def test_numbers_of_the_design_are_reached(held, capsys):
    with capsys.disabled():
        print(
            f"\nstart to ready {held.server.ready_s:.2f} s; click to first picture"
            f" {', '.join(f'{s:.2f}' for s in held.join_to_picture_s.values())} s;"
            f" back after a reload {held.rejoined_in_s:.1f} s; watchable after {held.watchable_after_s:.1f} s"
        )
    assert held.watchable_after_s <= 5 * slowness()


async def test_a_reload_keeps_the_seat(held):
    events = await held.api.events(held.meeting)
    of_c = [event["type"] for event in events if event["data"].get("participant_id") == held.ids[2]]
    assert of_c.count("ParticipantJoined") == 1
    assert of_c.count("ParticipantReconnected") == 1


async def test_the_log_has_no_gap(held):
    events = await held.api.events(held.meeting)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] in {"MeetingEnded", "RecordingReady", "SegmentClosed"}


async def test_no_page_complained(held):
    for person in held.people:
        person.participant.assert_no_faults()
        assert await person.ruler.problems() == []


# ── the recording ────────────────────────────────────────────────────────────────────────────────────────


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recording(held: Held, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The finished recording, its files fetched: each file's dictionary has its `path`."""
    directory = tmp_path_factory.mktemp("recording")
    (item,) = await held.api.recordings(held.meeting)
    found = await held.api.recording(item["id"])
    for file in found["files"]:
        file["path"] = await held.api.download(found["id"], file["name"], directory)
    return found


def files_of(recording: dict[str, Any], participant: str, source: str) -> list[dict[str, Any]]:
    """The files of one participant's source, in order."""
    found = [
        file
        for file in recording["files"]
        if file["participant_id"] == participant and file["source"] == source
    ]
    return sorted(found, key=lambda file: file["start_ms"])


@pytest.mark.parametrize("index", [0, 1])
async def test_picture_and_sound_of_the_recording_are_together(held, recording, index, capsys):
    source = held.captured[index]
    flashes = [
        mark
        for file in files_of(recording, held.ids[index], "camera")
        for mark in files.flashes(file["path"])
    ]
    beeps = [
        mark
        for file in files_of(recording, held.ids[index], "microphone")
        for mark in files.beeps(file["path"], index)
    ]
    (started,) = await held.api.events(held.meeting, "RecordingStarted")
    began_ms = datetime.fromisoformat(started["time"]).timestamp() * 1000
    about_ms = held.wall_clock[index] - began_ms
    picture, heard = (
        delay_ms(*each, about_ms) for each in ((source.flashes, flashes), (source.beeps, beeps))
    )
    error = heard - picture
    with capsys.disabled():
        print(
            f"\nrecorded sound is {error:+.1f} ms from its picture, by {len(flashes)} flashes;"
            f" both are {picture - about_ms:+.0f} ms from the meeting's clock"
        )
    assert abs(error) <= 80


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("source", ["camera", "microphone"])
async def test_the_recording_is_as_long_as_the_recorded_meeting(held, recording, index, source):
    (started,) = await held.api.events(held.meeting, "RecordingStarted")
    (stopped,) = await held.api.events(held.meeting, "RecordingStopped")
    length_ms = stopped["meeting_ms"] - started["meeting_ms"]
    parts = files_of(recording, held.ids[index], source)
    assert parts, f"no {source}"
    assert parts[0]["start_ms"] <= 1000
    last = parts[-1]
    if source == "microphone":
        start_ms, rate, heard = files.samples(last["path"])
        end_ms = start_ms + len(heard) / rate * 1000
    else:
        end_ms = files.frames(last["path"])[-1].at_ms
    assert abs(end_ms - length_ms) <= 1000


async def test_every_recorded_frame_is_readable_and_its_owners(held, recording):
    for index in range(3):
        frames = [
            frame
            for file in files_of(recording, held.ids[index], "camera")
            for frame in files.frames(file["path"])
        ]
        codes = [frame.code for frame in frames if frame.code]
        assert len(codes) >= 0.95 * len(frames)
        assert {code.participant for code in codes} == {index}


async def test_the_shared_screen_is_recorded(held, recording):
    # It may begin with the small encoding that was there, and go over to the large one when that has come.
    screens = files_of(recording, held.ids[1], "screen")
    assert screens
    for screen in screens:
        codes = [frame.code for frame in files.frames(screen["path"]) if frame.code]
        assert codes
        assert {(code.participant, code.kind) for code in codes} == {(1, 1)}


# ── the minutes ──────────────────────────────────────────────────────────────────────────────────────────


async def test_the_minutes_tell_who_came_and_went_to_the_second(held):
    minutes = await held.api.minutes(held.meeting, "json")
    rows = {row["name"]: row for row in minutes["attendance"]}
    assert set(rows) == set(NAMES)
    for index, name in enumerate(NAMES):
        intervals = rows[name]["intervals"]
        assert_between(intervals[0]["joined"]["time"], held.joined[index])
        assert_between(intervals[-1]["left"]["time"], held.left[index])


def assert_between(text: str, truth: tuple[datetime, datetime]) -> None:
    """A time of the minutes lies within a second of when it happened."""
    time = datetime.fromisoformat(text)
    assert truth[0] - SECOND <= time <= truth[1] + SECOND, f"{text} is not in {truth}"


@pytest.mark.parametrize("form", ["html", "docx", "pdf", "json"])
async def test_every_form_of_the_minutes_names_the_three_and_what_was_said(held, form):
    text = text_of(form, await held.api.minutes(held.meeting, form))
    for words in (*NAMES, TITLE):
        assert words in text
    assert "Đã nhận tài liệu" in text
    assert "<b>số 12</b> & xin ý kiến" in text


def text_of(form: str, content: Any) -> str:
    """What a person reads in the minutes."""
    if form == "json":
        return json.dumps(content, ensure_ascii=False)
    if form == "html":
        return " ".join(html.unescape(content.decode()).split())
    if form == "pdf":
        pages = pypdf.PdfReader(io.BytesIO(content)).pages
        return " ".join(" ".join(page.extract_text() for page in pages).split())
    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return " ".join([paragraph.text for paragraph in document.paragraphs] + cells)


# ── the archive page ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_the_archive_lists_the_meeting_and_plays_it(held, language):
    chair = Pages(held.chair.participant, held.server.origin, language)
    await chair.open("/archive")
    entry = chair.page.get_by_role("link", name=TITLE).first
    await expect(entry).to_be_visible()
    await chair.participant.screenshot(f"archive-{language}")
    await entry.click()
    await expect(chair.button("play")).to_be_visible()
    since = await chair.press("play")
    await until(lambda: played(chair, since), "numbered frames of two people are played", 15, 0.25)
    await chair.participant.screenshot(f"recording-{language}")
    chair.participant.assert_no_faults()


async def played(viewer: Pages, since: float) -> bool:
    """Whether pictures of at least two participants move on the page."""
    painted = await viewer.ruler.painted(since)
    seen = {(frame.participant, frame.number) for frame in painted if frame.number is not None}
    owners = [participant for participant, _ in seen]
    return sum(owners.count(owner) >= 10 for owner in set(owners)) >= 2


async def test_the_minutes_page_is_kept_as_a_picture(held):
    page = held.chair.page
    for language in LANGUAGES[1:]:
        path = f"/api/v1/meetings/{held.meeting}/minutes?format=html&lang={language}"
        await page.goto(held.server.origin + path)
        await held.chair.participant.screenshot(f"minutes-{language}")
