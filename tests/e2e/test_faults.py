"""Processes die at the worst moment: the meeting goes on, a second is lost at most, the log is whole."""

import hashlib
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.support import browser, files, material
from tests.support.browser import until
from tests.support.line import Line, line_to
from tests.support.machine import slowness
from tests.support.pages import Pages
from tests.support.seat import Seat
from tests.support.server import PASSWORD, Api, Server, serving
from tests.support.streams import Publisher

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(server: Server) -> AsyncIterator[Line]:
    """How the second of the pair reaches the server."""
    async with line_to(server.listen_port) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(
    server: Server, api: Api, line: Line, materials: list[material.Material]
) -> AsyncIterator[list[Pages]]:
    """Two browsers in one recorded meeting, each seeing the other; the second over a line that can be cut."""
    meeting = (await api.create_meeting("Họp khi có sự cố"))["id"]
    async with AsyncExitStack() as stack:
        people = []
        for made, role in zip(materials[:2], ("chair", "delegate"), strict=True):
            seat = await api.seat(meeting, f"Điểm cầu {made.participant}", role)
            participant = await stack.enter_async_context(browser.chromium(made))
            origin = line.origin if people else server.origin
            person = Pages(participant, origin)
            await person.device_check(seat["join_url"].replace(server.origin, origin))
            await person.join()
            people.append(person)
        await people[0].sees(people[1])
        await people[1].sees(people[0])
        await api.record(meeting, "start")
        yield people
        await api.end(meeting)


@pytest.mark.browser
async def test_a_cut_socket_stops_no_media_and_misses_nothing(api, line, pair, capsys):
    one, other = pair
    meeting = (await running_meeting(api))["id"]
    since, slow = {person: await person.ruler.now() for person in pair}, slowness()
    await line.cut()
    await until(lambda: api.events(meeting, "ParticipantDisconnected"), "the cut is in the log")
    await one.press("raise_hand")
    await until(lambda: api.events(meeting, "HandRaised"), "something happens meanwhile")
    await line.mend()
    await until(lambda: api.events(meeting, "ParticipantReconnected"), "the seat is taken again", 20)
    await expect(other.page.locator(".tile-hand").first).to_be_visible()
    for viewer, owner in ((one, other), (other, one)):
        await until(lambda v=viewer, o=owner: resumed(v, o, since[v]), "pictures are counted", 10)
    freeze_s = max(await freeze(one, other, since[one]), await freeze(other, one, since[other]))
    with capsys.disabled():
        print(f"\nsocket cut and mended: pictures stood {freeze_s:.2f} s at most")
    assert freeze_s <= 0.5 * max(slow, slowness())
    assert not await api.events(meeting, "ParticipantLeft")


@pytest.mark.browser
async def test_a_killed_media_worker_is_back_within_five_seconds_without_a_click(server, pair, capsys):
    one, other = pair
    (worker,) = server.workers()
    slow = slowness()
    worker.kill()
    since = {person: await person.ruler.now() for person in pair}
    for viewer, owner in ((one, other), (other, one)):
        await until(lambda v=viewer, o=owner: resumed(v, o, since[v]), "pictures move again", 30, 0.25)
    await one.hears(other, 1)
    freeze_s = max(await freeze(one, other, since[one]), await freeze(other, one, since[other]))
    slow = max(slow, slowness())
    with capsys.disabled():
        print(f"\nmedia worker killed: pictures stood {freeze_s:.1f} s")
    assert freeze_s <= 5 * slow
    (successor,) = server.workers()
    assert successor.pid != worker.pid


async def resumed(viewer: Pages, owner: Pages, since_ms: float) -> bool:
    """Whether more frames were painted since then than any buffer held."""
    return len(await viewer.numbers_of(owner, since_ms)) >= material.FRAME_RATE


async def freeze(viewer: Pages, owner: Pages, since_ms: float) -> float:
    """The longest time in seconds, from then on, that somebody's picture stood still."""
    frames = await viewer.ruler.painted(since_ms, source="camera")
    at = [frame.at_ms for frame in frames if frame.participant == owner.participant.index]
    return max(later - earlier for earlier, later in itertools.pairwise([since_ms, *at])) / 1000


async def moving(viewer: Pages, owner: Pages) -> bool:
    """Whether ten frames were painted within the last second."""
    now = await viewer.ruler.now()
    return len(await viewer.numbers_of(owner, now - 1000)) >= 10


@pytest.mark.browser
async def test_a_killed_recorder_costs_a_second_at_most_and_resumes(server, api, pair, capsys, tmp_path):
    meeting = (await running_meeting(api))["id"]
    await until(lambda: moving(*pair), "pictures move")
    recorder, slow = server.recorder(), slowness()
    now = time.monotonic()
    await until(lambda: passed(now, 4), "some seconds are recorded", 6, 0.25)
    recorder.kill()
    await until(lambda: api.events(meeting, "RecordingInterrupted"), "the gap is in the log")
    await until(lambda: another(server, recorder.pid), "another recorder runs")
    slow = max(slow, slowness())
    killed = time.monotonic()
    await until(lambda: passed(killed, 4), "some seconds more are recorded", 6, 0.25)
    await api.record(meeting, "stop")
    await until(lambda: api.events(meeting, "RecordingReady"), "the recording is ready")
    lost_s = await hole_s(api, meeting, 0, tmp_path)
    with capsys.disabled():
        print(f"\nrecorder killed: the longest hole in a picture is {lost_s:.2f} s")
    assert lost_s <= (1.0 + 2 / material.FRAME_RATE) * slow


async def running_meeting(api: Api) -> dict:
    """The one meeting under way."""
    meetings = (await api.ask("GET", "/api/v1/meetings"))["meetings"]
    return next(meeting for meeting in meetings if meeting["state"] == "running")


async def passed(since: float, seconds: float) -> bool:
    """Whether so much time has gone."""
    return time.monotonic() - since >= seconds


async def another(server: Server, pid: int) -> bool:
    """Whether a recorder with another pid runs."""
    return any(child.pid != pid for child in server.children("recording"))


async def hole_s(api: Api, meeting: str, index: int, directory: Path) -> float:
    """The time without a readable frame of one participant's recorded camera where recording was interrupted."""
    (started,) = await api.events(meeting, "RecordingStarted")
    (interrupted,) = await api.events(meeting, "RecordingInterrupted")
    at_s = (interrupted["meeting_ms"] - started["meeting_ms"]) / 1000
    (item,) = await api.recordings(meeting)
    recording = await api.recording(item["id"])
    times = []
    for file in recording["files"]:
        if file["source"] != "camera":
            continue
        path = await api.download(item["id"], file["name"], directory)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]
        times += [
            frame.at_ms / 1000
            for frame in files.frames(path)
            if frame.code and frame.code.participant == index
        ]
    # What the recorder held when it was killed lies before that moment; the kill was noticed a moment later.
    near = sorted(time_s for time_s in times if abs(time_s - at_s) < 3)
    return max(later - earlier for earlier, later in itertools.pairwise(near))


async def test_a_killed_server_comes_back_with_its_log_and_archive_whole(tmp_path, materials, capsys):
    server = Server(tmp_path / "data")
    try:
        server.start()
        await server.ready()
        async with Api(server.origin) as api:
            await api.login()
            interrupted = await interrupted_meeting(server, api, materials[0])
        await server.children_gone()
        server.start()
        await server.ready()
        assert server.ready_s <= 3
        async with Api(server.origin) as api:
            await api.login()
            await judge_the_return(server, api, interrupted, tmp_path)
        with capsys.disabled():
            print(f"\nserver killed and started again: ready after {server.ready_s:.2f} s")
        await server.stop()
        server.assert_log_clean()
    finally:
        server.discard()


@dataclass(frozen=True)
class Interrupted:
    """A recorded meeting whose server was killed: its log as last seen, the frame sent last at each moment."""

    meeting: str
    events: list[dict]
    number_at_start: int
    number_at_kill: int


async def interrupted_meeting(server: Server, api: Api, made: material.Material) -> Interrupted:
    """Record an encoder for five seconds, say a last word, kill the server."""
    meeting = (await api.create_meeting("Họp bị ngắt"))["id"]
    encoder, chair = await api.seat(meeting, "Bộ mã hóa"), await api.seat(meeting, "Chủ trì", "chair")
    async with (
        Publisher(server.origin, encoder["token"]) as publisher,
        Seat(server.origin, chair["token"]) as seat,
    ):
        await seat.join()
        await publisher.publish(meeting, made)
        await api.record(meeting, "start")
        start = publisher.camera.number
        await until(lambda: sent(publisher, start + 5 * material.FRAME_RATE), "five seconds are sent", 15)
        assert (await seat.ask("command", {"type": "chat", "text": "câu cuối trước khi mất điện"}))["ok"]
        events = await api.events(meeting)
        kill = publisher.camera.number
        server.kill()
    return Interrupted(meeting, events, start, kill)


async def sent(publisher: Publisher, frames: int) -> bool:
    """Whether the encoder has sent so many frames."""
    return publisher.camera.number >= frames


async def judge_the_return(server: Server, api: Api, cut: Interrupted, directory: Path) -> None:
    """What was acknowledged is there, the chain holds, the recording can be had up to the last second."""
    events = await api.events(cut.meeting)
    assert events[: len(cut.events)] == cut.events
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert all(later["previous_hash"] == earlier["hash"] for earlier, later in itertools.pairwise(events))
    await api.end(cut.meeting)
    await until(lambda: api.events(cut.meeting, "RecordingReady"), "what was recorded is ready", 15)
    (item,) = await api.recordings(cut.meeting)
    recording = await api.recording(item["id"])
    (camera,) = [file for file in recording["files"] if file["source"] == "camera"]
    path = await api.download(item["id"], camera["name"], directory)
    numbers = [frame.code.number for frame in files.frames(path) if frame.code]
    second = material.FRAME_RATE * slowness()
    assert numbers[0] <= cut.number_at_start + second, "it begins with a keyframe asked for at once"
    assert numbers[-1] >= cut.number_at_kill - second, "a second at most is lost"
    assert max(later - earlier for earlier, later in itertools.pairwise(numbers)) <= 2, "nothing is missing"
    assert not list(server.data.rglob("*.part"))


@pytest.mark.parametrize("tls", ["off", "auto"])
async def test_the_second_start_is_fast_and_finds_what_the_first_left(tmp_path, tls):
    data = tmp_path / "data"
    async with serving(data, tls=tls) as server, Api(server.origin) as api:
        await api.login()
        meeting = await api.create_meeting("Họp từ hôm qua")
    async with serving(data, tls=tls) as server, Api(server.origin) as api:
        assert server.ready_s <= 3
        await api.login("admin", PASSWORD)
        listed = (await api.ask("GET", "/api/v1/meetings"))["meetings"]
        assert [item["id"] for item in listed] == [meeting["id"]]
