"""Whole recordings: real media through the real process, checked by what the files show."""

from contextlib import suppress
from pathlib import Path

import pytest

from tests.recording.harness import RecorderProcess, RefusedError, Worker, begin, camera, microphone
from tests.recording.material import (
    Encoded,
    Packetizer,
    Sent,
    pictures,
    play,
    read_beeps,
    read_pictures,
    sound,
)


@pytest.fixture
async def recorder(tmp_path: Path):
    async with RecorderProcess(tmp_path).running() as process:
        yield process


def rtp_of(packetizer: Packetizer, encoded: tuple[Encoded, ...]) -> list[list[Sent]]:
    one = packetizer.sound if packetizer.clock_rate == 48_000 else packetizer.picture
    return [one(item) for item in encoded]


def on(track: int, groups: list[list[Sent]]) -> list[tuple[int, Sent]]:
    return [(track, packet) for group in groups for packet in group]


async def stop(recorder: RecorderProcess, worker: Worker, at_ms: int) -> dict[str, dict]:
    await worker.close()
    segments = await recorder.segments("stop", worker.recording_id, at_ms=at_ms)
    return {segment["name"]: segment for segment in segments}


async def test_picture_and_sound_are_written_as_they_were_shown(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video, audio = camera(delay_ms=80), microphone(delay_ms=30)
    v, a = (
        worker.track("anna", "camera", video, video.ntp(0)),
        worker.track("anna", "microphone", audio, audio.ntp(0)),
    )
    await worker.send(on(v, rtp_of(video, pictures(150))) + on(a, rtp_of(audio, sound(6000))))
    files = await stop(recorder, worker, 6200)
    assert sorted(files) == ["anna-camera-1.webm", "anna-microphone-1.webm"]
    shown = read_pictures(tmp_path / "rec/anna-camera-1.webm")
    assert [one.number for one in shown] == list(range(150))
    assert all(abs(one.at_ms - 30 - one.number * 40) <= 1 for one in shown)
    flashes = [
        b.at_ms for a, b in zip([None, *shown], shown, strict=False) if b.flash and not (a and a.flash)
    ]
    beeps = read_beeps(tmp_path / "rec/anna-microphone-1.webm")
    assert len(flashes) == len(beeps) == 6
    assert all(abs(flash - beep) <= 20 for flash, beep in zip(flashes, beeps, strict=True))
    for name, segment in files.items():
        assert segment["gaps"] == []
        assert segment["end_ms"] == 6200
        start, duration = play(tmp_path / "rec" / name)
        assert start == pytest.approx(0.03, abs=0.002)
        assert duration == pytest.approx(6.2, abs=0.021)
    assert (files["anna-camera-1.webm"]["width"], files["anna-camera-1.webm"]["height"]) == (192, 108)


async def test_a_lost_picture_is_a_gap_until_the_next_keyframe(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video = camera()
    track = worker.track("anna", "camera", video, video.ntp(0))
    groups = rtp_of(video, pictures(200, every=25))
    del groups[60][-1]
    groups[130:133] = []
    await worker.send(on(track, groups))
    files = await stop(recorder, worker, 8030)
    missing = set(range(60, 75)) | set(range(130, 150))
    shown = read_pictures(tmp_path / "rec/anna-camera-1.webm")
    assert [one.number for one in shown] == [number for number in range(200) if number not in missing]
    gaps = files["anna-camera-1.webm"]["gaps"]
    assert [gap["reason"] for gap in gaps] == ["loss", "loss"]
    inside = {n for n in range(200) if any(g["start_ms"] <= n * 40 + 30 < g["end_ms"] for g in gaps)}
    assert inside == missing


async def test_reordered_doubled_and_resent_packets_leave_no_trace(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video, audio = camera(), microphone()
    v, a = (
        worker.track("anna", "camera", video, video.ntp(0)),
        worker.track("anna", "microphone", audio, audio.ntp(0)),
    )
    packets = on(v, rtp_of(video, pictures(150))) + on(a, rtp_of(audio, sound(6000)))
    resent = [
        (track, one.delayed(300)) if index % 10 == 3 else (track, one)
        for index, (track, one) in enumerate(packets)
    ]
    shuffled = [
        (track, one.delayed(25)) if index % 7 == 2 else (track, one)
        for index, (track, one) in enumerate(resent)
    ]
    await worker.send(shuffled + [(track, one.delayed(90)) for track, one in packets[::5]])
    files = await stop(recorder, worker, 6030)
    assert [segment["gaps"] for segment in files.values()] == [[], []]
    assert [one.number for one in read_pictures(tmp_path / "rec/anna-camera-1.webm")] == list(range(150))
    assert [round(beep, -1) for beep in read_beeps(tmp_path / "rec/anna-microphone-1.webm")] == [
        30 + 1000 * second for second in range(6)
    ]


async def test_holes_in_sound_hold_silence_so_that_browsers_stay_in_time(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    audio = microphone()
    track = worker.track("anna", "microphone", audio, audio.ntp(0))
    groups = rtp_of(audio, sound(8000))
    kept = [group for index, group in enumerate(groups) if not (75 <= index < 140) and index % 10 != 9]
    await worker.send(on(track, kept))
    files = await stop(recorder, worker, 8030)
    path = tmp_path / "rec/anna-microphone-1.webm"
    for beeps in read_beeps(path), read_beeps(path, by_samples=True):
        at = [min(beeps, key=lambda beep: abs(beep - 30 - 1000 * second)) for second in (0, 1, 3, 4, 5, 6, 7)]
        assert all(
            abs(beep - 30 - 1000 * second) <= 20
            for beep, second in zip(at, (0, 1, 3, 4, 5, 6, 7), strict=True)
        )
    gaps = files[path.name]["gaps"]
    assert {gap["reason"] for gap in gaps} == {"loss"}
    lost = sum(gap["missing_ms"] for gap in gaps)
    assert lost == pytest.approx((400 - len(kept)) * 20, abs=25)


async def test_without_early_reports_picture_and_sound_still_meet(recorder, tmp_path):
    """Arrivals say nothing of an encoder that takes 120 ms: the reports do, as soon as they come."""
    worker = await begin(recorder, tmp_path / "rec")
    video, audio = camera(delay_ms=150, timestamp=77), microphone(delay_ms=30)
    v, a = worker.track("anna", "camera", video), worker.track("anna", "microphone", audio)
    packets = on(v, rtp_of(video, pictures(250))) + on(a, rtp_of(audio, sound(10_000)))
    await worker.send([entry for entry in packets if entry[1].arrival_ms < 2500])
    worker.report(v, video.ntp(2400), 2500)
    worker.report(a, audio.ntp(2440), 2500)
    await worker.send([entry for entry in packets if entry[1].arrival_ms >= 2500])
    await stop(recorder, worker, 10_200)
    shown = read_pictures(tmp_path / "rec/anna-camera-1.webm")
    beeps = read_beeps(tmp_path / "rec/anna-microphone-1.webm")
    flashes = [
        b.at_ms for a, b in zip([None, *shown], shown, strict=False) if b.flash and not (a and a.flash)
    ]
    assert [one.number for one in shown] == list(range(250))
    assert sorted({one.at_ms for one in shown}) == [one.at_ms for one in shown]
    late = [flash - beep for flash, beep in zip(flashes, beeps, strict=True)]
    assert late[0] == pytest.approx(120, abs=10)
    assert all(abs(difference) <= 20 for difference in late[4:])


async def test_another_size_and_a_return_begin_another_file(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec", ahead_s=-5)
    video = camera()
    track = worker.track("anna", "camera", video, video.ntp(0))
    await worker.send(on(track, rtp_of(video, pictures(50)) + rtp_of(video, pictures(50, 96, 64, first=50))))
    worker.end(track)
    again = camera(timestamp=5)
    track = worker.track("anna", "camera", again, again.ntp(0))
    await worker.send(on(track, rtp_of(again, pictures(10, first=130))))
    files = await stop(recorder, worker, 5700)
    assert [(one["width"], one["height"], one["start_ms"]) for one in files.values()] == [
        (192, 108, 30),
        (96, 64, 2030),
        (192, 108, 5230),
    ]
    for part, numbers in enumerate([range(50), range(50, 100), range(130, 140)], 1):
        shown = read_pictures(tmp_path / f"rec/anna-camera-{part}.webm")
        assert [one.number for one in shown] == list(numbers)
    told = await recorder.event("segment_closed", 3)
    assert sorted(one["segment"]["name"] for one in told) == sorted(files)
    assert all(one["segment"] == files[one["segment"]["name"]] for one in told)


async def test_nothing_is_written_while_muted(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video, audio = camera(), microphone()
    v, a = (
        worker.track("anna", "camera", video, video.ntp(0)),
        worker.track("anna", "microphone", audio, audio.ntp(0)),
    )
    packets = on(v, rtp_of(video, pictures(150, every=25))) + on(a, rtp_of(audio, sound(6000)))
    await worker.send([entry for entry in packets if entry[1].capture_ms < 2000])
    for track in v, a:
        worker.mute(track, 2040, True)
        worker.mute(track, 3700, False)
    await worker.send([entry for entry in packets if entry[1].capture_ms >= 3700])
    files = await stop(recorder, worker, 6030)
    picture, voice = files["anna-camera-1.webm"], files["anna-microphone-1.webm"]
    assert picture["gaps"] == [{"start_ms": 2040, "end_ms": 4030, "reason": "muted", "missing_ms": 1990}]
    assert voice["gaps"] == [{"start_ms": 2040, "end_ms": 3730, "reason": "muted", "missing_ms": 1690}]
    shown = read_pictures(tmp_path / "rec" / picture["name"])
    assert [one.number for one in shown] == [*range(50), *range(100, 150)]
    assert [round(b / 50) for b in read_beeps(tmp_path / "rec" / voice["name"], by_samples=True)] == [
        1,
        21,
        81,
        101,
    ]


async def test_nothing_is_written_while_paused(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video, audio = camera(), microphone()
    v, a = (
        worker.track("anna", "camera", video, video.ntp(0)),
        worker.track("anna", "microphone", audio, audio.ntp(0)),
    )
    await recorder.call("pause", recording_id="rec1", at_ms=2000)
    await recorder.call("resume", recording_id="rec1", at_ms=3500)
    await recorder.call("pause", recording_id="rec1", at_ms=5500)
    await worker.send(on(v, rtp_of(video, pictures(150, every=25))) + on(a, rtp_of(audio, sound(6000))))
    files = await stop(recorder, worker, 6030)
    shown = read_pictures(tmp_path / "rec/anna-camera-1.webm")
    assert [one.number for one in shown] == [*range(50), *range(100, 137)]
    assert [(g["reason"], g["end_ms"]) for g in files["anna-camera-1.webm"]["gaps"]] == [
        ("paused", 4030),
        ("paused", 6030),
    ]
    beeps = read_beeps(tmp_path / "rec/anna-microphone-1.webm", by_samples=True)
    assert [round(beep / 50) for beep in beeps] == [1, 21, 81, 101]
    asked = await worker.reader.readexactly(9)
    assert asked == b"\0\0\0\5\x09" + v.to_bytes(4, "big"), "a keyframe is asked for"


async def test_a_camera_that_stopped_is_a_gap_until_its_track_ends(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video = camera()
    await worker.send(on(worker.track("anna", "camera", video, video.ntp(0)), rtp_of(video, pictures(50))))
    files = await stop(recorder, worker, 62_000)
    (gap,) = files["anna-camera-1.webm"]["gaps"]
    assert gap == {"start_ms": 2030, "end_ms": 62_000, "reason": "not_sent", "missing_ms": 59_970}


async def test_a_worker_that_feeds_what_is_not_running_is_hung_up_on(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    early = await Worker("rec2", worker.epoch_ns).connect(recorder.tap)
    early.track("anna", "camera", camera())
    with suppress(ConnectionError):
        assert await early.reader.read() == b""
    early.disconnect()
    await begin(recorder, tmp_path / "rec2", "rec2")


async def test_the_worker_going_ends_its_tracks(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec", ahead_s=-2)
    audio = microphone()
    await worker.send(on(worker.track("anna", "microphone", audio, audio.ntp(0)), rtp_of(audio, sound(1000))))
    worker.disconnect()
    (event,) = await recorder.event("segment_closed")
    assert event["segment"]["end_ms"] == pytest.approx(2000, abs=500)
    assert play(tmp_path / "rec/anna-microphone-1.webm")[1] == pytest.approx(
        event["segment"]["end_ms"] / 1000, abs=0.02
    )
    assert await recorder.segments("stop", at_ms=3000) == [event["segment"]]


async def test_the_server_going_finishes_every_file(tmp_path):
    async with RecorderProcess(tmp_path).running() as recorder:
        worker = await begin(recorder, tmp_path / "rec", ahead_s=-1)
        audio = microphone()
        await worker.send(
            on(worker.track("anna", "microphone", audio, audio.ntp(0)), rtp_of(audio, sound(1000)))
        )
        await recorder.opened(tmp_path / "rec/anna-microphone-1.webm.part")
        recorder.hang_up()
        assert await recorder.process.wait() == 0
    assert len(read_beeps(tmp_path / "rec/anna-microphone-1.webm")) == 1
    assert play(tmp_path / "rec/anna-microphone-1.webm")[1] > 0.9


async def test_refusals_have_their_codes(recorder, tmp_path):
    await begin(recorder, tmp_path / "rec")
    arguments = {"recording_id": "rec1", "meeting_id": "m", "epoch_ns": 0, "start_ms": 0}
    (tmp_path / "file").touch()
    for method, code, params in [
        ("start", "recording_running", {**arguments, "directory": str(tmp_path / "rec")}),
        ("start", "folder_invalid", {**arguments, "recording_id": "rec2", "directory": "relative"}),
        (
            "start",
            "folder_invalid",
            {**arguments, "recording_id": "rec2", "directory": str(tmp_path / "file/rec")},
        ),
        ("stop", "recording_unknown", {"recording_id": "rec2", "at_ms": 0}),
        ("pause", "recording_unknown", {"recording_id": "rec2", "at_ms": 0}),
        ("recover", "folder_invalid", {"recording_id": "rec1", "meeting_id": "m", "directory": "relative"}),
    ]:
        with pytest.raises(RefusedError) as refusal:
            await recorder.call(method, **params)
        assert refusal.value.code == code
    assert recorder.hello["kind"] == "recorder"


async def test_an_empty_recording_has_no_files(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    assert await stop(recorder, worker, 1000) == {}


async def test_where_no_worker_was_nothing_is_missing(tmp_path):
    async with RecorderProcess(tmp_path).running() as recorder:
        await begin(recorder, tmp_path / "rec")
        assert await recorder.segments("stop", at_ms=1000) == []
    assert "a tap did not close" not in recorder.log
