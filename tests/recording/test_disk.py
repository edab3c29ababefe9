"""A disk that does not keep up costs frames, and says so; nobody waits for it."""

import threading
import time
from pathlib import Path

import pytest

from recording import disk
from recording.archive import Folder
from recording.disk import DiskThread
from recording.ledger import Ledger
from recording.recording import Recording, RecordingClock
from recording.track import Track
from tests.recording.harness import microphone
from tests.recording.material import read_beeps, sound


@pytest.fixture
def writing():
    thread = DiskThread()
    thread.start()
    yield thread
    thread.stop()


def test_jobs_run_in_order_and_the_backlog_is_bounded(writing):
    gate, done = threading.Event(), []
    writing.run(gate.wait)
    writing.run(lambda: done.append(1), disk.BACKLOG_BYTES - 1)
    assert writing.keeps_up
    writing.run(lambda: done.append(2), 1)
    assert not writing.keeps_up
    gate.set()
    finished = threading.Event()
    writing.run(finished.set)
    assert finished.wait(5)
    assert done == [1, 2]
    assert writing.backlog_bytes == 0
    assert writing.keeps_up


async def test_a_job_that_raises_costs_itself(writing, caplog):
    def broken() -> None:
        raise MemoryError("no job should")

    done = []
    writing.run(broken, 100)
    await writing.finish(lambda: done.append(1))
    assert done == [1]
    assert writing.backlog_bytes == 0
    assert "no job should" in caplog.text


async def test_what_the_disk_could_not_take_is_a_gap(writing, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(disk, "BACKLOG_BYTES", 2000)
    folder, told = Folder.create(str(tmp_path / "rec")), []
    clock = RecordingClock(time.monotonic_ns() + 10**11, 0)
    notify = lambda event, **params: told.append((event, params))  # noqa: E731
    recording = Recording("rec1", clock, folder, Ledger(folder.ledger), {}, writing, notify)
    audio, gate = microphone(), threading.Event()
    track = recording.add_track(Track("anna", "microphone", "audio", 48_000, 111), lambda: None, "tap")
    track.report(*audio.ntp(0))
    packets = [packet for item in sound(4000) for packet in audio.sound(item)]
    for packet in packets[:75]:
        track.rtp(packet.data, clock.epoch_ns + round(packet.arrival_ms * 1e6))
        while writing.backlog_bytes > 1000:
            time.sleep(0.001)  # noqa: ASYNC251
    writing.run(gate.wait)
    for packet in packets[75:125]:
        track.rtp(packet.data, clock.epoch_ns + round(packet.arrival_ms * 1e6))
    gate.set()
    while writing.backlog_bytes:
        time.sleep(0.001)  # noqa: ASYNC251
    for packet in packets[125:]:
        track.rtp(packet.data, clock.epoch_ns + round(packet.arrival_ms * 1e6))
        while writing.backlog_bytes > 1000:
            time.sleep(0.001)  # noqa: ASYNC251
    recording.close_tap("tap")
    assert await recording.stop(4030) == 1
    ((event, params),) = told
    assert event == "segment_closed"
    segment = params["segment"]
    (gap,) = segment["gaps"]
    assert gap["reason"] == "disk_slow"
    assert 1500 <= gap["start_ms"] < gap["end_ms"] == pytest.approx(2530, abs=21)
    beeps = read_beeps(tmp_path / "rec" / segment["name"], by_samples=True)
    assert [round(beep / 50) for beep in (beeps[0], beeps[1], beeps[-1])] == [1, 21, 61]
