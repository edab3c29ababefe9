"""`kill -9` at any moment, and a disk without room: what was said is kept."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from tests.recording.harness import (
    DEADLINE_S,
    RecorderProcess,
    RefusedError,
    Worker,
    begin,
    camera,
    microphone,
)
from tests.recording.material import Encoded, Sent, pictures, play, read_beeps, read_pictures, sound

STEP_MS = 100


def media(worker: Worker) -> list[tuple[int, Sent]]:
    video, audio = camera(), microphone()
    v, a = (
        worker.track("anna", "camera", video, video.ntp(0)),
        worker.track("anna", "microphone", audio, audio.ntp(0)),
    )
    packets = [(v, packet) for item in pictures(250, every=50) for packet in video.picture(item)]
    return packets + [(a, packet) for item in sound(10_000) for packet in audio.sound(item)]


@pytest.mark.parametrize("after_ms", [1200, 2700, 4900, 6300])
async def test_a_kill_costs_less_than_a_second(tmp_path, after_ms):
    folder = tmp_path / "rec"
    async with RecorderProcess(tmp_path).running() as recorder:
        worker = await begin(recorder, folder)
        packets = media(worker)
        for start in range(0, after_ms, STEP_MS):
            await worker.send(entry for entry in packets if start <= entry[1].arrival_ms < start + STEP_MS)
            await asyncio.sleep(STEP_MS / 1000 / 8)
        await recorder.kill()
    assert not list(folder.glob("*.webm"))
    async with RecorderProcess(tmp_path).running() as recorder:
        for _ in range(2):
            segments = await recorder.segments("recover", meeting_id="m", directory=str(folder))
            files = {segment["name"]: segment for segment in segments}
            assert sorted(files) == ["anna-camera-1.webm", "anna-microphone-1.webm"]
            assert all(after_ms - 1000 <= one["end_ms"] <= after_ms + 40 for one in files.values())
    shown = read_pictures(folder / "anna-camera-1.webm")
    assert [one.number for one in shown] == list(range(len(shown)))
    assert len(shown) * 40 >= after_ms - 1000
    assert not list(folder.glob("*.part"))
    for name, segment in files.items():
        assert play(folder / name)[1] * 1000 == pytest.approx(segment["end_ms"], abs=25)


async def test_a_recording_goes_on_after_a_crash_with_new_files(tmp_path):
    folder = tmp_path / "rec"
    for part in 1, 2:
        async with RecorderProcess(tmp_path).running() as recorder:
            worker = await begin(recorder, folder)
            await worker.send(entry for entry in media(worker) if entry[1].arrival_ms < 2000)
            await recorder.opened(folder / f"anna-camera-{part}.webm.part", 2500)
            await recorder.kill()
    async with RecorderProcess(tmp_path).running() as recorder:
        segments = await recorder.segments("recover", meeting_id="m", directory=str(folder))
    names = [segment["name"] for segment in segments]
    assert "anna-camera-1.webm" in names
    assert "anna-camera-2.webm" in names


async def test_recovery_takes_what_is_broken_as_it_comes(tmp_path):
    folder = tmp_path / "rec"
    async with RecorderProcess(tmp_path).running() as recorder:
        worker = await begin(recorder, folder)
        await worker.send(media(worker))
        await worker.close()
        await recorder.call("stop", recording_id="rec1", at_ms=10_030)
        whole = (folder / "anna-camera-1.webm").read_bytes()
        for number, data in enumerate(
            [b"", b"\x1a\x45", whole[:200], os.urandom(5000), whole[: len(whole) // 2]], 2
        ):
            (folder / f"anna-camera-{number}.webm.part").write_bytes(data)
        (folder / "anna-microphone-1.webm.part").write_bytes(
            b"left behind by a repair that had just been finished"
        )
        segments = await recorder.segments("recover", meeting_id="m", directory=str(folder))
    names = sorted(segment["name"] for segment in segments)
    assert names == ["anna-camera-1.webm", "anna-camera-6.webm", "anna-microphone-1.webm"]
    assert not list(folder.glob("*.part"))
    assert len(list(folder.glob("*.unreadable"))) == 3
    assert [one.number for one in read_pictures(folder / "anna-camera-6.webm")][:50] == list(range(50))


async def test_recovery_tells_of_changed_and_missing_files_beside_the_running_recording(tmp_path):
    folder = tmp_path / "rec"
    async with RecorderProcess(tmp_path).running() as recorder:
        worker = await begin(recorder, folder)
        await worker.send(media(worker))
        await worker.close()
        before = await recorder.segments("stop", at_ms=10_030)
        with (folder / "anna-camera-1.webm").open("r+b") as file:
            file.write(bytes(200))
        (folder / "anna-microphone-1.webm").unlink()
        (folder / "otto-camera-1.webm").write_bytes(b"nobody closed this")
        worker = await begin(recorder, folder)
        audio = microphone()
        track = worker.track("anna", "microphone", audio, audio.ntp(0))
        await worker.send((track, packet) for item in sound(2000) for packet in audio.sound(item))
        await recorder.opened(folder / "anna-microphone-2.webm.part")
        assert await recorder.segments("recover", meeting_id="m", directory=str(folder)) == before
        warnings = await recorder.event("recording_warning")
        await worker.close()
        after = await recorder.call("stop", recording_id="rec1", at_ms=2030)
    assert [(one["code"], one["message"].split(" ", 1)) for one in warnings] == [
        ("file_changed", ["anna-camera-1.webm", "is not what was recorded"]),
        ("file_changed", ["anna-microphone-1.webm", "is no longer there"]),
        ("file_changed", ["otto-camera-1.webm", "cannot be read"]),
    ]
    assert after == {"files": 1}
    assert len(read_beeps(folder / "anna-microphone-2.webm")) == 2


@pytest.mark.parametrize("delay_ms", [0, 4, 12, 30])
async def test_a_kill_while_finishing_or_recovering_loses_nothing_more(tmp_path, delay_ms):
    folder = tmp_path / "rec"
    async with RecorderProcess(tmp_path).running() as recorder:
        worker = await begin(recorder, folder)
        await worker.send(media(worker))
        await worker.close()
        await recorder.opened(folder / "anna-microphone-1.webm.part", written(sound(10_000), 9300))
        await recorder.opened(folder / "anna-camera-1.webm.part", written(pictures(250, every=50), 9300))
        await killed_during(recorder, delay_ms, "stop", recording_id="rec1", at_ms=10_030)
    recovery = {"recording_id": "rec1", "meeting_id": "m", "directory": str(folder)}
    async with RecorderProcess(tmp_path).running() as recorder:
        await killed_during(recorder, delay_ms, "recover", **recovery)
    async with RecorderProcess(tmp_path).running() as recorder:
        segments = await recorder.segments("recover", **recovery)
    assert [segment["name"] for segment in segments] == [
        "anna-camera-1.webm",
        "anna-microphone-1.webm",
    ]
    assert all(segment["end_ms"] >= 9030 for segment in segments)
    assert sorted(path.name for path in folder.iterdir()) == [
        *sorted(one["name"] for one in segments),
        "ledger.jsonl",
    ]
    for segment in segments:
        assert play(folder / segment["name"])[1] * 1000 == pytest.approx(segment["end_ms"], abs=25)


def written(encoded: tuple[Encoded, ...], until_ms: int) -> int:
    """About how long a file is that has this much; a block costs 7 bytes more than its frame."""
    return 400 + sum(len(item.data) + 7 for item in encoded if item.at_ms < until_ms)


async def killed_during(recorder: RecorderProcess, delay_ms: int, method: str, **params: Any) -> None:
    request = asyncio.create_task(recorder.call(method, **params))
    await asyncio.sleep(delay_ms / 1000)
    await recorder.kill()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)


async def test_silence_is_written_while_it_lasts(tmp_path):
    """Twenty seconds ago somebody spoke for one, then was muted: a crash now must not cost the twenty."""
    folder = tmp_path / "rec"
    async with RecorderProcess(tmp_path).running() as recorder:
        worker = await begin(recorder, folder, ahead_s=-20)
        audio = microphone()
        track = worker.track("anna", "microphone", audio, audio.ntp(0))
        await worker.send((track, packet) for item in sound(1000) for packet in audio.sound(item))
        worker.mute(track, 1040, True)
        async with asyncio.timeout(DEADLINE_S):
            while last_s(folder / "anna-microphone-1.webm.part") < 15.5:  # noqa: ASYNC110 - a file tells nobody that it grows
                await asyncio.sleep(0.1)
        await recorder.kill()
    async with RecorderProcess(tmp_path).running() as recorder:
        (segment,) = await recorder.segments("recover", meeting_id="m", directory=str(folder))
    assert segment["end_ms"] >= 15_000
    (gap,) = segment["gaps"]
    assert (gap["start_ms"], gap["end_ms"], gap["reason"]) == (1040, segment["end_ms"], "muted")


def last_s(path: Path) -> float:
    """Where the last frame begins that can be read of a file still being written."""
    last = 0.0
    with contextlib.suppress(FileNotFoundError, av.FFmpegError), av.open(str(path)) as file:
        for packet in file.demux(audio=0):
            last = max(last, float((packet.pts or 0) * packet.time_base))
    return last


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], capture_output=True)
    if mounted.returncode:
        assert not os.environ.get("CI"), mounted.stderr
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


async def test_a_full_disk_ends_files_not_the_process(tmp_path, small_disk):
    async with RecorderProcess(tmp_path).running() as recorder:
        full = await begin(recorder, small_disk / "rec", "full")
        good = await begin(recorder, tmp_path / "rec", "good")
        status = os.statvfs(small_disk)
        (small_disk / "ballast").write_bytes(bytes(status.f_bavail * status.f_frsize - 40_000))
        for worker in full, good:
            await worker.send(media(worker))
        (warning,) = await recorder.event("recording_warning")
        assert (warning["recording_id"], warning["code"]) == ("full", "disk_full")
        told = {}
        for worker in full, good:
            await worker.close()
            told[worker] = await recorder.segments("stop", worker.recording_id, at_ms=10_030)
        whole = {segment["name"]: segment for segment in told[good]}
        assert [one.number for one in read_pictures(tmp_path / "rec/anna-camera-1.webm")] == list(range(250))
        assert all(segment["gaps"] == [] for segment in whole.values())
        cut = {segment["name"]: segment for segment in told[full]}
        shown = read_pictures(small_disk / "rec/anna-camera-1.webm")
        assert 20 < len(shown) < 250
        assert [one.number for one in shown] == list(range(len(shown)))
        assert cut["anna-camera-1.webm"]["gaps"][-1]["reason"] == "disk_full"
        assert read_beeps(small_disk / "rec/anna-microphone-1.webm")
        assert recorder.process.returncode is None


async def test_too_little_room_refuses_the_start(tmp_path, small_disk):
    async with RecorderProcess(tmp_path, reserve=2_000_000_000).running() as recorder:
        with pytest.raises(RefusedError) as refusal:
            await begin(recorder, small_disk / "rec")
        assert refusal.value.code == "disk_full"
        assert "MB" in str(refusal.value)


async def test_below_the_floor_pictures_are_given_up_and_sound_goes_on(tmp_path, small_disk):
    async with RecorderProcess(tmp_path, reserve=4_000_000).running() as recorder:
        worker = await begin(recorder, small_disk / "rec")
        packets = media(worker)
        await worker.send(entry for entry in packets if entry[1].arrival_ms < 3000)
        (small_disk / "ballast").write_bytes(bytes(1_200_000))
        warnings = await recorder.event("recording_warning", 2)
        assert [warning["code"] for warning in warnings] == ["disk_low", "pictures_given_up"]
        await worker.send(entry for entry in packets if entry[1].arrival_ms >= 3000)
        await worker.close()
        files = {segment["name"]: segment for segment in await recorder.segments("stop", at_ms=10_030)}
        assert sorted(files) == ["anna-camera-1.webm", "anna-microphone-1.webm"]
        assert files["anna-microphone-1.webm"]["gaps"] == []
        assert files["anna-microphone-1.webm"]["end_ms"] == 10_030
        assert len(read_pictures(small_disk / "rec/anna-camera-1.webm")) == 75
