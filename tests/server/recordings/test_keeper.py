"""The keeping of recordings: through losses of the recorder, of the server, of room on the disk."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rooms.ids import RecordingId, new_id
from rooms.media import VideoCodec
from rooms.permissions import Actor, Role
from server import keeper
from server.archive import RecordingFolders
from server.control import ControlServer
from server.live import LiveMeeting, LiveMeetings, recording_rule
from server.media import MediaPlane
from server.recordings import Recordings
from server.storage import Storage
from server.storage.recordings import RecordingRow, RecordingState
from tests.server.live.conftest import chair_user, clock, live, meetings, storage
from tests.support.children import Child, FakeRecorder, FakeWorker, segment
from tests.support.wait import until

__all__ = ["chair_user", "clock", "live", "meetings", "storage"]
CHAIR = Actor("user", Role.CHAIR)


@dataclass
class Stage:
    """A server's part that keeps recordings, its children, and what they were asked in order."""

    storage: Storage
    control: ControlServer
    media: MediaPlane
    live: LiveMeeting
    recordings: Recordings
    calls: list[str]
    children: list[Child]

    async def recorder(self, *left: str) -> FakeRecorder:
        recorder = FakeRecorder(self.control.path, self.calls, *left)
        self.children.append(recorder)
        return recorder

    async def place(self) -> None:
        """Let a worker carry the meeting."""
        self.children.append(FakeWorker(self.control.path, self.calls))
        await until(lambda: self.control.of_kind("sfu"))
        await self.media.publish(self.live.meeting_id, "peer", "lan", "", None, VideoCodec.VP8)

    async def decide(self, action: str) -> RecordingId:
        logged = await self.live.execute("user", recording_rule(CHAIR, action))
        return RecordingId(logged[0].data["recording_id"])

    async def told(self) -> list[str]:
        """What the log has of the recording, with the reasons."""
        events = await self.live.events_after(0)
        return [
            " ".join([event.type, event.data.get("reason", "")]).strip()
            for event in events
            if event.type.startswith(("Recording", "Segment"))
        ]

    async def until_told(self, *expected: str) -> None:
        await self._until(self.told, list(expected))

    async def until_ready(self, recording_id: str) -> None:
        await self._until(lambda: self.state(recording_id), RecordingState.READY)

    @staticmethod
    async def _until(value: Callable[[], Awaitable[object]], expected: object) -> None:
        async with asyncio.timeout(5):
            while await value() != expected:  # noqa: ASYNC110 - the database sets no event
                await asyncio.sleep(0.01)

    async def state(self, recording_id: str) -> RecordingState | None:
        found = await self.storage.recordings.get(recording_id)
        return found and found.recording.state


@pytest.fixture
async def stage(
    tmp_path: Path,
    storage: Storage,
    meetings: LiveMeetings,
    live: LiveMeeting,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stage]:
    monkeypatch.setattr(keeper, "RETRY_S", 0.05)
    await live.execute("lan", lambda meeting, _: meeting.admit("lan", "Lan", Role.DELEGATE))
    control = ControlServer(tmp_path / "control.sock")
    await control.start()
    media = MediaPlane(control)
    recordings = Recordings(storage, control, media, meetings, RecordingFolders(tmp_path), tmp_path / "tap")
    stage = Stage(storage, control, media, live, recordings, [], [])
    yield stage
    await recordings.close()
    for child in stage.children:
        await child.die()
    await control.close()


READY = ["RecordingStopped", "SegmentClosed", "RecordingReady"]


async def test_media_flows_only_to_an_acknowledged_recording(stage: Stage) -> None:
    recorder = await stage.recorder()
    acknowledge = recorder.hold("start")
    recording_id = await stage.decide("start")
    await until(lambda: stage.calls == ["start"])
    await stage.place()
    assert "record" not in stage.calls
    acknowledge.set()
    await until(lambda: "record" in stage.calls)
    await stage.decide("pause")
    await stage.decide("resume")
    await stage.decide("stop")
    await stage.until_told("RecordingStarted", "RecordingPaused", "RecordingResumed", *READY)
    asked = ["start", "publish", "record", "pause", "resume", "stop_recording", "stop"]
    assert stage.calls == asked
    await stage.until_ready(recording_id)


async def test_a_recording_goes_on_before_what_was_left_is_recovered(stage: Stage) -> None:
    first = await stage.recorder()
    await stage.place()
    recording_id = await stage.decide("start")
    await until(lambda: "record" in stage.calls)
    await first.die()
    await stage.until_told("RecordingStarted", "RecordingInterrupted recorder_lost")
    stage.calls.clear()
    second = await stage.recorder("lan-camera-1.webm")
    recovered = second.hold("recover")
    resumed = ["RecordingStarted", "RecordingInterrupted recorder_lost", "RecordingResumed"]
    await stage.until_told(*resumed)
    await until(lambda: "recover" in stage.calls)
    assert stage.calls[:2] == ["start", "record"]
    await stage.decide("stop")
    await stage.until_told(*resumed, "RecordingStopped", "SegmentClosed")
    assert await stage.state(recording_id) is RecordingState.PROCESSING
    recovered.set()
    await stage.until_ready(recording_id)
    assert (await stage.told())[-2:] == ["SegmentClosed", "RecordingReady"]
    files = await stage.storage.recordings.files(recording_id)
    assert [file.name for file in files] == ["lan-camera-1.webm", "lan-camera-2.webm"]


async def test_a_stop_during_a_resume_is_a_stop(stage: Stage) -> None:
    first = await stage.recorder()
    recording_id = await stage.decide("start")
    await until(lambda: stage.calls == ["start"])
    await first.die()
    await stage.until_told("RecordingStarted", "RecordingInterrupted recorder_lost")
    second = await stage.recorder()
    acknowledge = second.hold("start")
    await until(lambda: stage.calls == ["start", "start"])
    await stage.decide("stop")
    acknowledge.set()
    await stage.until_ready(recording_id)
    assert not second.running
    assert sorted(stage.calls[2:]) == ["recover", "stop"]
    assert "RecordingResumed" not in await stage.told()


async def test_a_full_disk_is_tried_again_and_told_once(stage: Stage) -> None:
    recorder = await stage.recorder()
    recorder.refused["start"] = "disk_full"
    recording_id = await stage.decide("start")
    await until(lambda: stage.calls.count("start") > 3)
    assert await stage.told() == ["RecordingStarted", "RecordingInterrupted disk_full"]
    assert await stage.state(recording_id) is RecordingState.INTERRUPTED
    del recorder.refused["start"]
    await stage.until_told("RecordingStarted", "RecordingInterrupted disk_full", "RecordingResumed")
    assert await stage.state(recording_id) is RecordingState.RECORDING


async def test_a_trouble_that_is_repeated_is_told_once_until_it_is_over(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = await stage.recorder()
    recording_id = await stage.decide("start")
    await until(lambda: recorder.running)

    def warn(*codes: str) -> None:
        for code in codes:
            recorder.tell("recording_warning", recording_id=recording_id, code=code, message="")

    told = ["RecordingStarted", "RecordingInterrupted disk_full"]
    warn("disk_full")
    await stage.until_told(*told)
    warn("disk_full", "disk_low", "disk_full", "disk_low", "pictures_given_up")
    told += ["RecordingWarned disk_low", "RecordingWarned pictures_given_up"]
    await stage.until_told(*told)
    monkeypatch.setattr(keeper, "QUIET_S", 0)
    warn("disk_full")
    await stage.until_told(*told, "RecordingResumed")


async def test_the_server_ends_beside_a_dead_recorder(stage: Stage) -> None:
    recorder = await stage.recorder()
    await stage.decide("start")
    await until(lambda: recorder.running)
    await recorder.die()
    await stage.until_told("RecordingStarted", "RecordingInterrupted recorder_lost")
    await stage.recordings.suspend()
    assert await stage.told() == ["RecordingStarted", "RecordingInterrupted recorder_lost"]


async def test_what_is_closed_as_the_server_ends_is_stored(stage: Stage) -> None:
    recorder = await stage.recorder()
    recording_id = await stage.decide("start")
    await until(lambda: recorder.running)
    await stage.recordings.suspend()
    assert await stage.told() == [
        "RecordingStarted",
        "SegmentClosed",
        "RecordingInterrupted server_stopped",
    ]
    assert await stage.state(recording_id) is RecordingState.INTERRUPTED


async def test_one_damaged_log_leaves_others_to_be_finished(
    stage: Stage, meetings: LiveMeetings, chair_user: str
) -> None:
    broken = await meetings.create("Họp hỏng", chair_user)
    row = RecordingRow(
        RecordingId(new_id()), broken.meeting_id, RecordingState.PROCESSING, stage.live.now().time, 0
    )
    await stage.storage.recordings.add(row)
    async with stage.storage.database.write() as connection:
        await connection.exec_driver_sql(
            "UPDATE events SET data = '{' WHERE meeting_id = ?", (broken.meeting_id,)
        )
    del broken
    recording_id = await stage.decide("start")
    await stage.decide("stop")
    await stage.recorder("lan-camera-1.webm")
    await stage.until_ready(recording_id)


async def test_a_file_that_is_known_stays_as_it_was_told_first(stage: Stage) -> None:
    recorder = await stage.recorder()
    recording_id = await stage.decide("start")
    await until(lambda: recorder.running)
    for sha256 in ("aa" * 32, "bb" * 32):
        recorder.tell("segment_closed", segment=segment(recording_id, "lan-camera-1.webm", sha256))
    await stage.decide("stop")
    await stage.until_ready(recording_id)
    file = await stage.storage.recordings.file(recording_id, "lan-camera-1.webm")
    assert file is not None
    assert file.sha256 == "aa" * 32


async def test_what_ran_when_the_server_was_killed_goes_on_and_its_gap_is_told(
    stage: Stage, tmp_path: Path
) -> None:
    recorder = await stage.recorder()
    recording_id = await stage.decide("start")
    await until(lambda: recorder.running)
    await stage.recordings.close()
    await recorder.die()
    control = ControlServer(tmp_path / "control2.sock")
    await control.start()
    meetings = LiveMeetings(stage.storage)
    folders = RecordingFolders(tmp_path)
    again = Recordings(stage.storage, control, MediaPlane(control), meetings, folders, tmp_path / "tap")
    await meetings.load_running()
    second = FakeRecorder(control.path, stage.calls, "lan-camera-1.webm")
    stage.children.append(second)
    recover = second.hold("recover")
    told = ["RecordingStarted", "RecordingInterrupted server_stopped", "RecordingResumed"]
    await stage.until_told(*told)
    recover.set()
    await stage.until_told(*told, "SegmentClosed")
    assert second.running == {recording_id}
    await again.close()
    await control.close()


async def test_a_cut_link_of_the_worker_is_made_again(stage: Stage) -> None:
    await stage.recorder()
    await stage.place()
    recording_id = await stage.decide("start")
    await until(lambda: "record" in stage.calls)
    params = {"meeting": stage.live.meeting_id, "recording_id": recording_id, "reason": "cut"}
    stage.children[-1].tell("tap_lost", **params)
    await until(lambda: stage.calls.count("record") == 2)
