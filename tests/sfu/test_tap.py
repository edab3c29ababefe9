"""The recorder's copy: complete, in the publisher's numbering, and never in the way."""

import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfu import rtcp
from sfu.errors import ParseError, PeerError
from sfu.keyframes import KEYFRAME_REQUEST_INTERVAL_S
from sfu.publisher import PublishingPeer
from sfu.router import TrackKey
from sfu.tapframes import (
    CloseFrame,
    EndFrame,
    Frame,
    KeyframeFrame,
    LostFrame,
    PausedFrame,
    RtpFrame,
    SenderReportFrame,
    TrackFrame,
    encode_packet,
    take_frames,
)
from tests.sfu.calls import CAMERA, SOURCES, LightPublisher, LightSubscriber, light
from tests.sfu.clients import MEETING, running_node, until

TRACK = TrackFrame(7, "m", "r", "alice", "camera", "video", "VP8", 90_000, 96, None)
FRAMES: list[Frame] = [
    TRACK,
    SenderReportFrame(7, 123, 456 << 32, 789),
    LostFrame(7, 3),
    PausedFrame(7, 5, paused=True),
    PausedFrame(7, 6, paused=False),
    EndFrame(7),
    CloseFrame("r"),
    KeyframeFrame(7),
]


@pytest.fixture
def folder() -> Iterator[str]:
    # Socket paths are limited to 107 bytes, which pytest's own folders can exceed.
    with tempfile.TemporaryDirectory() as path:
        yield path


class Recorder:
    """Listens like the recorder; takes nothing while `stopped`."""

    def __init__(self, folder: str) -> None:
        self.path = str(Path(folder) / "tap.sock")
        self.frames: list[Frame] = []
        self._buffer = bytearray()

    async def __aenter__(self) -> "Recorder":
        self._server = await asyncio.start_unix_server(self._accept, self.path, limit=65536)
        self.stopped = asyncio.Event()
        self.stopped.set()
        return self

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        while await self.stopped.wait() and (data := await reader.read(65536)):
            self._buffer += data
            self.frames += take_frames(self._buffer)
        writer.close()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def of(self, kind: type[Frame]) -> list[Frame]:
        return [frame for frame in self.frames if isinstance(frame, kind)]


def test_frames_survive_the_stream_however_it_is_cut() -> None:
    packet = RtpFrame(7, 99, b"\x80\x60\x01\x02 and the rest")
    stream = b"".join(frame.encode() for frame in FRAMES if not isinstance(frame, RtpFrame))
    stream += encode_packet(packet.track, packet.arrival_ns, 0x70102, b"\x80\x60\xff\xff and the rest")
    for size in (1, 2, 7, 1000):
        buffer, read = bytearray(), []
        for at in range(0, len(stream), size):
            buffer += stream[at : at + size]
            read += take_frames(buffer)
        assert read == [*FRAMES, packet]
        assert not buffer


@pytest.mark.parametrize(
    "damaged", ["00000000", "00100000", "00000002 04 00", "00000003 01 0000", "00000006 08 7b7d313233"]
)
def test_damaged_frames_are_refused(damaged: str) -> None:
    with pytest.raises(ParseError):
        list(take_frames(bytearray(bytes.fromhex(damaged).ljust(8, b"\0"))))


def test_frames_of_later_versions_are_skipped() -> None:
    assert list(take_frames(bytearray(bytes.fromhex("00000002c800") + EndFrame(1).encode()))) == [EndFrame(1)]


async def test_the_tap_has_every_packet_as_it_came(folder: str) -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice), Recorder(folder) as recorder:
        await alice.join(server, "p1", "alice")
        await server.node.record(MEETING, "r1", recorder.path)
        begun = time.monotonic_ns()
        sent = [packet for index in range(30) for packet in alice.frame(3, keyframe=index == 0)]
        for packet in sent:
            alice.send_rtp(packet)
            await asyncio.sleep(0.001)
        await until(lambda: len(recorder.of(RtpFrame)) == len(sent))
    assert {frame.source for frame in recorder.frames if isinstance(frame, TrackFrame)} == {
        "camera",
        "microphone",
    }
    packets = [frame for frame in recorder.frames if isinstance(frame, RtpFrame)]
    assert [frame.packet for frame in packets] == sent
    assert all(begun < frame.arrival_ns < begun + 60e9 for frame in packets)
    assert server.drops["tap_full"] == 0


async def test_the_tap_tells_what_happens_to_a_track(folder: str) -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice), Recorder(folder) as recorder:
        await alice.join(server, "p1", "alice")
        await server.node.record(MEETING, "r1", recorder.path)
        alice.send_rtcp(rtcp.SenderReport(alice.video_ssrc, 100 << 32, 9000, 1, 1).to_bytes())
        await until(lambda: recorder.of(SenderReportFrame))
        await server.node.pause(MEETING, "alice", "camera", paused=True)
        alice.send_rtp(alice.frame(1)[0])
        await until(lambda: server.drops["paused"] == 1)
        await server.node.pause(MEETING, "alice", "camera", paused=False)
        await server.node.unpublish(MEETING, "alice", "camera")
        await server.node.stop_recording(MEETING, "r1")
        await until(lambda: recorder.of(CloseFrame))
    tracks = {frame.source: frame for frame in recorder.frames if isinstance(frame, TrackFrame)}
    camera = tracks["camera"].track
    kinds = [type(frame).__name__ for frame in recorder.frames if getattr(frame, "track", None) == camera]
    assert kinds == [
        "TrackFrame",
        "SenderReportFrame",
        "PausedFrame",
        "PausedFrame",
        "EndFrame",
    ]
    assert isinstance(recorder.frames[-1], CloseFrame)


async def test_a_recorder_that_does_not_keep_up_costs_its_own_packets_only(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfu.tap.MOST_WAITING_BYTES", 20_000)
    alice = LightPublisher()
    async with running_node() as server, light(alice), Recorder(folder) as recorder:
        recorder.stopped.clear()
        await alice.join(server, "p1", "alice")
        await server.node.record(MEETING, "r1", recorder.path)
        for _ in range(500):
            for packet in alice.frame(2, length=1000):
                alice.send_rtp(packet)
            await asyncio.sleep(0.0005)
        await until(lambda: server.drops["tap_full"] > 100)
        recorder.stopped.set()
        await asyncio.sleep(0.1)
        await alice.send_frames(1)
        lost = await until(lambda: recorder.of(LostFrame))
        await server.node.stop_recording(MEETING, "r1")
        await until(lambda: recorder.of(CloseFrame))
    told = sum(frame.packets for frame in recorder.frames if isinstance(frame, LostFrame))
    arrived = len(recorder.of(RtpFrame))
    assert lost
    assert told == server.drops["tap_full"]
    assert told + arrived == 1003


async def test_a_full_tap_still_tells_what_the_packets_are(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfu.tap.MOST_WAITING_BYTES", 20_000)
    alice = LightPublisher()
    async with running_node() as server, light(alice), Recorder(folder) as recorder:
        recorder.stopped.clear()
        await alice.join(server, "p1", "alice")
        await server.node.record(MEETING, "r1", recorder.path)
        for _ in range(10_000):
            await server.node.pause(MEETING, "alice", "camera", paused=True)
            await server.node.pause(MEETING, "alice", "camera", paused=False)
        await server.node.unpublish(MEETING, "alice", "camera")
        recorder.stopped.set()
        await until(lambda: recorder.of(EndFrame))
    assert len(recorder.of(PausedFrame)) == 20_000


async def test_a_recorder_that_has_gone_disturbs_no_track_that_begins(folder: str) -> None:
    """It is noticed by writing; the sinks that are being told of the track must all be told, and once."""
    alice, bob = LightPublisher(), LightSubscriber()
    path = str(Path(folder) / "tap.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        async with running_node() as server, light(alice, bob):
            await alice.join(server, "p1", "alice")
            await server.node.record(MEETING, "r1", path)
            publisher = server.node._peers["p1"]
            assert isinstance(publisher, PublishingPeer)
            await server.node.unpublish(MEETING, "alice", "camera")
            await bob.want(server, "s1", CAMERA)
            listener.accept()[0].close()
            offer = alice.offer({"audio": (alice.audio_ssrc,), "video": (alice.video_ssrc, alice.rtx_ssrc)})
            await server.node.publish(MEETING, "p1", "alice", offer, SOURCES)
            assert not server.heard("tap_lost"), "the loss came in the middle of it"
            await until(lambda: server.heard("tap_lost", meeting=MEETING, recording_id="r1"))
            sinks = publisher.router.publications[TrackKey(*CAMERA)]._sinks
            assert sorted(type(sink).__name__ for sink in sinks) == ["Subscription", "TapTrack"]
            await alice.send_frames(1)
            await until(lambda: bob.packets(*CAMERA))


async def test_what_comes_while_no_recorder_is_there_waits_for_the_next(folder: str) -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice), Recorder(folder) as recorder:
        await alice.join(server, "p1", "alice")
        await server.node.record(MEETING, "r1", recorder.path)
        await alice.send_frames(1)
        await until(lambda: len(recorder.of(RtpFrame)) == 3)
        await asyncio.sleep(KEYFRAME_REQUEST_INTERVAL_S)
        asked = sum(isinstance(one, rtcp.Pli) for one in alice.rtcp)
        recorder.writer.transport.abort()
        await until(lambda: server.heard("tap_lost", meeting=MEETING, recording_id="r1"))
        await until(lambda: sum(isinstance(one, rtcp.Pli) for one in alice.rtcp) > asked)
        recorder.frames.clear()
        await alice.send_frames(3)
        await server.node.record(MEETING, "r1", recorder.path)
        await alice.send_frames(3)
        await until(lambda: len(recorder.of(RtpFrame)) == 18)
    assert [type(frame).__name__ for frame in recorder.frames[:2]] == ["TrackFrame", "TrackFrame"]


async def test_a_tap_that_nobody_takes_again_can_end(folder: str) -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice), Recorder(folder) as recorder:
        await alice.join(server, "p1", "alice")
        await server.node.record(MEETING, "r1", recorder.path)
        await until(lambda: recorder.of(TrackFrame))
        recorder.writer.transport.abort()
        await until(lambda: server.heard("tap_lost", meeting=MEETING, recording_id="r1"))
        await server.node.stop_recording(MEETING, "r1")
        await server.node.stop_recording(MEETING, "r1")


async def test_a_recorder_that_is_not_there(folder: str) -> None:
    async with running_node() as server:
        with pytest.raises(PeerError) as refused:
            await server.node.record(MEETING, "r1", str(Path(folder) / "nobody.sock"))
        assert refused.value.code == "tap_unreachable"
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.bind(str(Path(folder) / "deaf.sock"))
            with pytest.raises(PeerError):
                await server.node.record(MEETING, "r1", str(Path(folder) / "deaf.sock"))


@pytest.mark.timeout(10)
async def test_a_recorder_too_busy_to_accept_stops_nothing(folder: str) -> None:
    """A blocking connect would wait for it, and every packet of the worker with it."""
    path = str(Path(folder) / "busy.sock")
    with socket.socket(socket.AF_UNIX) as busy, contextlib.ExitStack() as others:
        busy.bind(path)
        busy.listen(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                other = others.enter_context(socket.socket(socket.AF_UNIX))
                other.setblocking(False)
                other.connect(path)
        async with running_node() as server:
            with pytest.raises(PeerError) as refused:
                await server.node.record(MEETING, "r1", path)
            assert refused.value.code == "tap_unreachable"
            assert (await server.node.stats())["meetings"] == 0


async def test_the_recorder_asks_for_a_keyframe(folder: str) -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice), Recorder(folder) as recorder:
        await alice.join(server, "p1", "alice")
        await server.node.record(MEETING, "r1", recorder.path)
        await alice.send_frames(2)
        camera = await until(lambda: [one for one in recorder.of(TrackFrame) if one.source == "camera"])
        await asyncio.sleep(KEYFRAME_REQUEST_INTERVAL_S)
        before = sum(isinstance(one, rtcp.Pli) for one in alice.rtcp)
        recorder.writer.write(KeyframeFrame(camera[0].track).encode())
        await until(lambda: sum(isinstance(one, rtcp.Pli) for one in alice.rtcp) > before)


async def test_padding_alone_leaves_no_hole(folder: str) -> None:
    alice = LightPublisher()
    async with running_node() as server, light(alice), Recorder(folder) as recorder:
        await alice.join(server, "p1", "alice")
        await server.node.record(MEETING, "r1", recorder.path)
        packets = alice.frame(6, keyframe=True)
        padding = bytearray(packets[3][:12]) + bytes(9) + b"\x0a"
        padding[0] |= 0x20
        for packet in [*packets[:3], bytes(padding), *packets[4:]]:
            alice.send_rtp(packet)
        await until(lambda: len(recorder.of(RtpFrame)) == 5)
        numbers = [int.from_bytes(frame.packet[2:4], "big") for frame in recorder.of(RtpFrame)]
        assert [number - numbers[0] for number in numbers] == [0, 1, 2, 3, 4]
