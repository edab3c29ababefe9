"""The real recorder process with a server and a worker that a test plays."""

import asyncio
import json
import signal
import struct
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sfu.control import decode_line, encode_line
from sfu.tapframes import (
    CloseFrame,
    EndFrame,
    FrameType,
    LostFrame,
    PausedFrame,
    SenderReportFrame,
    TrackFrame,
    encode_packet,
)
from tests.recording.material import Packetizer, Sent

DEADLINE_S = 20
OPUS, VP8 = 111, 96


class RefusedError(Exception):
    """The recorder answered with an error."""

    def __init__(self, error: dict[str, str]) -> None:
        super().__init__(error["message"])
        self.code = error["code"]


class RecorderProcess:
    """`python -m recording`, with the server's end of its control link."""

    def __init__(self, folder: Path, reserve: int = 0) -> None:
        self.control, self.tap = folder / "control.sock", folder / "tap.sock"
        self.reserve = reserve
        self.hello: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.closing: list[Worker] = []
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._connected = asyncio.Event()
        self._told = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["RecorderProcess"]:
        """Start it, wait for its hello, stop it at the end; whatever it logged as an error fails the test."""
        server = await asyncio.start_unix_server(self._serve, self.control, limit=1 << 20)
        arguments = (
            "-m",
            "recording",
            "--control",
            self.control,
            "--tap",
            self.tap,
            "--reserve",
            str(self.reserve),
        )
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stderr=asyncio.subprocess.PIPE
        )
        log = asyncio.create_task(self.process.stderr.read())
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._connected.wait()
            yield self
        finally:
            if self.process.returncode is None:
                self.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(DEADLINE_S):
                await self.process.wait()
            self.log = (await log).decode()
            for worker in self.closing:
                worker.disconnect()
            self._writer.close()
            server.close()
        assert "Traceback" not in self.log, self.log

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        while line := await reader.readline():
            message = decode_line(line)
            if "hello" in message:
                self.hello = message["hello"]
                self._connected.set()
            elif "event" in message:
                self.events.append(message)
                self._told.set()
            else:
                self._answers.pop(message["id"]).set_result(message)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A request and its answer. Raises RefusedError."""
        identifier = len(self._answers) + time.monotonic_ns()
        answer = self._answers[identifier] = asyncio.get_running_loop().create_future()
        self._writer.write(encode_line({"id": identifier, "method": method, "params": params}))
        async with asyncio.timeout(DEADLINE_S):
            message = await answer
        if "error" in message:
            raise RefusedError(message["error"])
        return message["result"]

    async def segments(self, method: str, recording_id: str = "rec1", **params: Any) -> list[dict[str, Any]]:
        """Stop or recover a recording; the files that were told of before the reply, in order."""
        before = len(self.events) if method == "recover" else 0
        answer = await self.call(method, recording_id=recording_id, **params)
        told = [event["params"] for event in self.events[before:] if event["event"] == "segment_closed"]
        found = [one["segment"] for one in told if one["segment"]["recording_id"] == recording_id]
        assert answer == {"files": len(found)}
        return sorted(found, key=lambda segment: (segment["start_ms"], segment["name"]))

    async def event(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many events of this name have come."""
        async with asyncio.timeout(DEADLINE_S):
            while len(found := [event["params"] for event in self.events if event["event"] == name]) < count:
                self._told.clear()
                await self._told.wait()
        return found

    async def opened(self, path: Path, size: int = 1) -> None:
        """Wait until so many bytes of a file are written."""
        async with asyncio.timeout(DEADLINE_S):
            while size_of(path) < size:  # noqa: ASYNC110 - a file tells nobody that it grows
                await asyncio.sleep(0.01)

    def hang_up(self) -> None:
        """The server goes."""
        self._writer.close()

    async def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        await self.process.wait()


class Worker:
    """A worker's tap. Its present lies ahead of the recorder's, so that minutes can be sent in a moment."""

    def __init__(self, recording_id: str, epoch_ns: int) -> None:
        self.recording_id = recording_id
        self.epoch_ns = epoch_ns
        self._tracks = 0

    async def connect(self, path: Path) -> "Worker":
        """Open the tap."""
        self.reader, self._writer = await asyncio.open_unix_connection(path)
        return self

    def at_ns(self, at_ms: float) -> int:
        """CLOCK_MONOTONIC of a meeting time."""
        return self.epoch_ns + round(at_ms * 1e6)

    def track(
        self,
        owner: str,
        source: str,
        packetizer: Packetizer,
        report: tuple[int, int] | None = None,
        codec: str = "VP8",
    ) -> int:
        """Introduce a track; return its number."""
        self._tracks += 1
        sound = packetizer.clock_rate == 48_000
        told = None if report is None else {"ntp": report[0], "rtp_timestamp": report[1], "arrival_ns": 0}
        frame = TrackFrame(
            self._tracks,
            "meeting",
            self.recording_id,
            owner,
            source,
            "audio" if sound else "video",
            "opus" if sound else codec,
            packetizer.clock_rate,
            packetizer.payload_type,
            told,
        )
        self._writer.write(frame.encode())
        return self._tracks

    async def send(self, packets: Iterable[tuple[int, Sent]]) -> None:
        """Packets of several tracks, in the order in which they come."""
        for track, packet in sorted(packets, key=lambda entry: entry[1].arrival_ms):
            self._writer.write(_frame(track, self.at_ns(packet.arrival_ms), packet.data))
        await self._writer.drain()

    def report(self, track: int, report: tuple[int, int], at_ms: float) -> None:
        """A sender report."""
        self._writer.write(SenderReportFrame(track, self.at_ns(at_ms), *report).encode())

    def mute(self, track: int, at_ms: float, muted: bool) -> None:
        """The meeting mutes or unmutes the track."""
        self._writer.write(PausedFrame(track, self.at_ns(at_ms), muted).encode())

    def lost(self, track: int, packets: int) -> None:
        """The tap was full."""
        self._writer.write(LostFrame(track, packets).encode())

    def end(self, track: int) -> None:
        """The track ends."""
        self._writer.write(EndFrame(track).encode())

    async def close(self) -> None:
        """Say that nothing more comes."""
        self._writer.write(CloseFrame(self.recording_id).encode())
        await self._writer.drain()

    def raw(self, data: bytes) -> None:
        """Any bytes."""
        self._writer.write(data)

    def disconnect(self) -> None:
        """The worker goes."""
        self._writer.close()


def size_of(path: Path) -> int:
    """A file's size in bytes, 0 while there is none."""
    return path.stat().st_size if path.exists() else 0


async def begin(
    recorder: RecorderProcess, directory: Path, recording_id: str = "rec1", ahead_s: float = 100
) -> Worker:
    """Start a recording at meeting time 0 and connect a worker."""
    epoch_ns = time.monotonic_ns() + round(ahead_s * 1e9)
    await recorder.call(
        "start",
        recording_id=recording_id,
        meeting_id="meeting",
        directory=str(directory),
        epoch_ns=epoch_ns,
        start_ms=0,
    )
    worker = await Worker(recording_id, epoch_ns).connect(recorder.tap)
    recorder.closing.append(worker)
    return worker


def microphone(**options: Any) -> Packetizer:
    """The RTP of a microphone."""
    return Packetizer(OPUS, 48_000, **options)


def camera(**options: Any) -> Packetizer:
    """The RTP of a camera."""
    return Packetizer(VP8, 90_000, **options)


def ledger(directory: Path) -> list[dict[str, Any]]:
    """What the recorder noted."""
    return [json.loads(line) for line in (directory / "ledger.jsonl").read_text().splitlines()]


def _frame(track: int, arrival_ns: int, packet: bytes) -> bytes:
    """A frame of the packet as it is; one too short for a number no worker would send, but a broken one might."""
    if len(packet) < 4:
        return struct.pack("!IBIQ", 13 + len(packet), FrameType.RTP, track, arrival_ns) + packet
    return encode_packet(track, arrival_ns, int.from_bytes(packet[2:4], "big"), packet)
