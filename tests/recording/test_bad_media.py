"""What a publisher may send to hurt the recorder: each costs itself, is noted, and leaves files that play."""

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.recording.harness import RecorderProcess, Worker, begin, camera, microphone
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

HUGE_KEYFRAME = bytes.fromhex("1019009d012aff3fff3f") + bytes(1200)
BAD_OPUS = [
    b"",
    b"\xff",
    b"\xfb\x00",
    b"\xfb\x3f",
    b"\xfb\x02\x01",
    b"\xfa\xff",
    b"\xf9\x00\x00",
    b"\x1b\x03" + bytes(9),
]
BAD_VP8 = [b"\x80", b"\x90\x80", b"\x10", b"\x10\x00", b"\x90\xf0\xff\xff", b"\x10\x0f\x00\x00" + bytes(50)]


@pytest.fixture
async def recorder(tmp_path: Path):
    async with RecorderProcess(tmp_path).running() as process:
        yield process


async def finish(recorder: RecorderProcess, worker: Worker, at_ms: int) -> dict[str, dict]:
    await worker.close()
    segments = await recorder.segments("stop", worker.recording_id, at_ms=at_ms)
    return {segment["name"]: segment for segment in segments}


def descriptor(payload: bytes) -> bytes:
    return b"\x10" + payload


def between(packetizer: Packetizer, encoded: tuple[Encoded, ...], bad: dict[int, list[bytes]]) -> list[Sent]:
    """A track's packets with bad ones of its own before some pictures or sounds."""
    packets: list[Sent] = []
    for index, item in enumerate(encoded):
        packets += [packetizer.packet(item.at_ms, payload, True) for payload in bad.get(index, [])]
        packets += packetizer.sound(item) if packetizer.clock_rate == 48_000 else packetizer.picture(item)
    return packets


async def test_a_huge_keyframe_is_refused_from_its_header(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video = camera(mtu=1400)
    track = worker.track("anna", "camera", video, video.ntp(0))
    packets = between(
        video, pictures(100, every=25), {0: [descriptor(HUGE_KEYFRAME)], 60: [descriptor(HUGE_KEYFRAME)]}
    )
    await worker.send((track, packet) for packet in packets)
    files = await finish(recorder, worker, 4030)
    path = tmp_path / "rec/anna-camera-1.webm"
    assert list(files) == [path.name]
    assert (files[path.name]["width"], files[path.name]["height"]) == (192, 108)
    assert [one.number for one in read_pictures(path)] == [*range(60), *range(75, 100)]
    assert [gap["reason"] for gap in files[path.name]["gaps"]] == ["damaged"]
    play(path)


async def test_broken_payloads_are_gaps(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video, audio = camera(), microphone()
    v, a = (
        worker.track("anna", "camera", video, video.ntp(0)),
        worker.track("anna", "microphone", audio, audio.ntp(0)),
    )
    generator = random.Random(7)
    noise = {n: [generator.randbytes(generator.randrange(1, 300))] for n in range(100, 125)}
    pictured = between(video, pictures(150, every=25), {30: BAD_VP8})
    sounded = between(audio, sound(6000), {50: BAD_OPUS, **noise})
    cut = [
        Sent(p.capture_ms, p.arrival_ms, p.data[: generator.randrange(30)]) if n % 40 == 39 else p
        for n, p in enumerate(sounded)
    ]
    await worker.send([(v, packet) for packet in pictured] + [(a, packet) for packet in cut])
    files = await finish(recorder, worker, 6030)
    assert {gap["reason"] for gap in files["anna-camera-1.webm"]["gaps"]} == {"damaged"}
    shown = read_pictures(tmp_path / "rec/anna-camera-1.webm")
    assert [one.number for one in shown] == [*range(30), *range(50, 150)]
    for name in files:
        play(tmp_path / "rec" / name)


async def test_a_picture_broken_off_costs_itself_when_a_keyframe_follows(recorder, tmp_path):
    """An encoder that is set up anew, as when a screen is shared besides, leaves a picture without its end."""
    worker = await begin(recorder, tmp_path / "rec")
    video = camera(mtu=20)
    track = worker.track("anna", "camera", video, video.ntp(0))
    first, rest = pictures(100, every=50)[:50], pictures(100, every=50)[50:]
    packets = [packet for item in first for packet in video.picture(item)]
    video.sequence -= 1
    packets = packets[:-1] + [packet for item in rest for packet in video.picture(item)]
    await worker.send((track, packet) for packet in packets)
    (segment,) = (await finish(recorder, worker, 4030)).values()
    assert segment["gaps"] == [{"start_ms": 1990, "end_ms": 2030, "reason": "not_sent", "missing_ms": 40}]
    shown = read_pictures(tmp_path / "rec" / segment["name"])
    assert [one.number for one in shown] == [*range(49), *range(50, 100)]


async def test_a_track_of_which_nothing_can_be_recorded_is_told_of(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video = camera(mtu=1400)
    track = worker.track("eve", "camera", video, video.ntp(0))
    await worker.send((track, video.packet(n, descriptor(HUGE_KEYFRAME), True)) for n in range(5))
    assert await finish(recorder, worker, 1000) == {}
    (warning,) = await recorder.event("recording_warning")
    assert (warning["code"], warning["recording_id"]) == ("track_refused", "rec1")


async def test_a_track_in_a_codec_that_is_not_recorded_is_told_of_when_it_begins(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video = camera(mtu=1400)
    track = worker.track("eve", "camera", video, codec="H264")
    await worker.send((track, video.packet(n, descriptor(HUGE_KEYFRAME), True)) for n in range(5))
    (warning,) = await recorder.event("recording_warning")
    assert (warning["code"], warning["recording_id"]) == ("track_refused", "rec1")
    assert "H264" in warning["message"]
    assert await finish(recorder, worker, 1000) == {}


async def test_one_packet_from_another_time_costs_itself(recorder, tmp_path):
    """Ten hours ahead, and late: when it is placed, its neighbours have been observed."""
    worker = await begin(recorder, tmp_path / "rec")
    audio = microphone()
    track = worker.track("anna", "microphone", audio)
    packets = [packet for item in sound(6000) for packet in audio.sound(item)]
    for number in (0, 150):
        head, ahead = packets[number].data, audio.rtp_time(packets[number].capture_ms + 36_000_000)
        packets[number] = replace(packets[number], data=head[:4] + ahead.to_bytes(4, "big") + head[8:])
    packets[150] = packets[150].delayed(45)
    await worker.send((track, packet) for packet in packets)
    (segment,) = (await finish(recorder, worker, 6030)).values()
    assert segment["end_ms"] == 6030
    assert sum(gap["missing_ms"] for gap in segment["gaps"]) <= 60
    beeps = read_beeps(tmp_path / "rec" / segment["name"], by_samples=True)
    assert [round(beep / 50) for beep in beeps] == [1, 21, 41, 61, 81, 101]


async def test_random_packets_never_disturb_the_neighbour(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video, noise, audio = camera(), camera(), microphone()
    v = worker.track("anna", "camera", video, video.ntp(0))
    tracks = [worker.track("eve", source, noise) for source in ("camera", "screen")]
    tracks.append(worker.track("eve", "microphone", audio))
    generator = random.Random(3)
    good = [(v, packet) for item in pictures(100) for packet in video.picture(item)]
    bad = []
    for at_ms in range(0, 4000, 4):
        head = (
            os.urandom(12)
            if at_ms % 3
            else bytes((0x80, generator.choice((96, 111)))) + generator.randbytes(10)
        )
        packet = Sent(at_ms, at_ms, head + generator.randbytes(generator.randrange(200)))
        bad.append((generator.choice(tracks), packet))
    await worker.send(good + bad)
    files = await finish(recorder, worker, 4030)
    assert [one.number for one in read_pictures(tmp_path / "rec/anna-camera-1.webm")] == list(range(100))
    assert files["anna-camera-1.webm"]["gaps"] == []
    assert sum(name.startswith("eve") for name in files) < 40


async def test_a_size_that_changes_with_each_keyframe_does_not_fill_the_folder(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    video = camera()
    track = worker.track("eve", "camera", video, video.ntp(0))
    small, large = pictures(1, 96, 64)[0], pictures(1)[0]
    changing = [Encoded(n * 40, (small, large)[n % 2].data, True, n) for n in range(100)]
    await worker.send((track, packet) for item in changing for packet in video.picture(item))
    files = await finish(recorder, worker, 4030)
    assert len(files) == 10
    assert all(segment["gaps"] == [] for segment in files.values())
    shown = [one.number for name in files for one in read_pictures(tmp_path / "rec" / name)]
    assert len(shown) == 100


async def test_a_new_numbering_and_a_new_rtp_time_go_on_in_the_same_file(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    audio = microphone()
    track = worker.track("anna", "microphone", audio, audio.ntp(0))
    first = [packet for item in sound(6000)[:150] for packet in audio.sound(item)]
    audio.sequence, audio.timestamp = 20_000, 0x8000_0000
    then = [packet for item in sound(6000)[150:] for packet in audio.sound(item)]
    await worker.send((track, packet) for packet in first + then)
    files = await finish(recorder, worker, 6030)
    (segment,) = files.values()
    assert segment["start_ms"] == 30
    assert segment["end_ms"] == 6030
    assert sum(gap["end_ms"] - gap["start_ms"] for gap in segment["gaps"]) <= 20


async def test_a_tap_that_sends_nonsense_is_closed_and_the_others_go_on(recorder, tmp_path):
    worker = await begin(recorder, tmp_path / "rec")
    other = await Worker("rec1", worker.epoch_ns).connect(recorder.tap)
    other.track("../../etc/passwd", "camera", camera())
    other.track("eve", "../camera", camera())
    other.raw(b"\xff" * 64)
    audio = microphone()
    await worker.send(
        (worker.track("anna", "microphone", audio), packet)
        for item in sound(1000)[:1]
        for packet in audio.sound(item)
    )
    assert await other.reader.read() == b""
    other.disconnect()
    files = await finish(recorder, worker, 1030)
    assert list(files) == ["anna-microphone-1.webm"]
    assert sorted(entry.name for entry in (tmp_path / "rec").iterdir()) == [
        "anna-microphone-1.webm",
        "ledger.jsonl",
    ]
