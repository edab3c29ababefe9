"""`python -m tests.bench`: what a forwarded packet costs the worker, beside what the bare system call costs.

One publisher, 40 subscribers, SRTP over loopback. The worker is a process of its own, `python -m sfu`, and
its CPU time is the kernel's account of that process; encrypting and counting on the clients' side is not in
it.
"""

import asyncio
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.load.peer import LightPeer
from tests.sfu.packets import audio_packet, video_packet

SUBSCRIBERS = 40
AUDIO_SSRC, VIDEO_SSRC, RTX_SSRC = 1001, 2001, 2002
SOURCES = {"audio": "microphone", "video": "camera"}
LENGTH = 1_100
MEASURE_S = float(os.environ.get("BENCH_S", "6"))


@dataclass(frozen=True)
class Load:
    """Video in frames of `burst` packets, and audio of the same length: an upper bound blind to codecs."""

    name: str
    audio_per_s: int
    video_per_s: int
    burst: int


LOADS = (
    Load("50 audio + 150 video/s, single packets", 50, 150, 1),
    Load("50 audio + 150 video/s, frames of 5", 50, 150, 5),
    Load("550 video/s, frames of 20", 0, 550, 20),
)


@dataclass(frozen=True)
class Result:
    """CPU µs a forwarded packet, the share that arrived, packets forwarded a second, kB of memory a peer."""

    cost_us: float
    delivered: float
    rate: float
    peer_kb: float


class Worker:
    """The SFU process and the server's end of its control link."""

    def __init__(self, folder: str) -> None:
        self._path = str(Path(folder) / "control.sock")
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._number = 0

    async def __aenter__(self) -> "Worker":
        connected: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connected.set_result((reader, writer))

        self._server = await asyncio.start_unix_server(accept, self._path, limit=1 << 20)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sfu", "--control", self._path, "--name", "bench",
            "--listen", "127.0.0.1", "--port", "0", "--log-level", "WARNING",
        )  # fmt: skip
        reader, self._writer = await connected
        self._task = asyncio.create_task(self._read(reader))
        return self

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = json.loads(line)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)

    async def call(self, method: str, **params: Any) -> Any:
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        request = {"id": self._number, "method": method, "params": params}
        self._writer.write(json.dumps(request).encode() + b"\n")
        message = await answer
        if "error" in message:
            raise RuntimeError(message["error"])
        return message["result"]

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self.process.wait()
        self._task.cancel()
        self._server.close()


def frames(load: Load) -> Iterator[list[bytes]]:
    """What leaves the publisher at one moment, at `load.video_per_s / load.burst` moments a second."""
    audio = video = picture = 0
    moments = load.video_per_s / load.burst
    owed = 0.0
    while True:
        timestamp = int(picture * 90_000 / moments)
        packets = [
            video_packet(video + part, timestamp, VIDEO_SSRC, picture, part, load.burst, LENGTH)
            for part in range(load.burst)
        ]
        video += load.burst
        picture += 1
        owed += load.audio_per_s / moments
        while owed >= 1:
            packets.append(audio_packet(audio, audio * 960, AUDIO_SSRC, LENGTH))
            audio += 1
            owed -= 1
        yield packets


async def publish(publisher: LightPeer, load: Load, seconds: float) -> int:
    """Send at the load's rate; how many packets."""
    sent, moments = 0, load.video_per_s / load.burst
    start = time.monotonic()
    for index, packets in enumerate(frames(load)):
        due = start + index / moments
        if due > start + seconds:
            return sent
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        for packet in packets:
            publisher.send_rtp(packet)
        sent += len(packets)
    return sent


async def join(worker: Worker) -> tuple[LightPeer, list[LightPeer]]:
    """The publisher and the subscribers, connected."""
    publisher = LightPeer(silent=True)
    offer = publisher.offer({"audio": (AUDIO_SSRC,), "video": (VIDEO_SSRC, RTX_SSRC)})
    answer = await worker.call("publish", meeting="m", peer="p", owner="o", offer=offer, sources=SOURCES)
    await publisher.connect(answer["sdp"])
    return publisher, [await subscribe(worker, number) for number in range(SUBSCRIBERS)]


async def subscribe(worker: Worker, number: int) -> LightPeer:
    """One subscriber of both tracks."""
    peer = LightPeer(silent=True)
    wants = [{"owner": "o", "source": source} for source in SOURCES.values()]
    result = await worker.call("subscribe", meeting="m", peer=f"s{number}", wants=wants)
    await worker.call("answer", peer=f"s{number}", sdp=peer.answer(result["sdp"]))
    await peer.connect(result["sdp"])
    return peer


async def run(load: Load, folder: str) -> Result:
    """One load on a fresh worker."""
    async with Worker(folder) as worker:
        empty = await worker.call("stats")
        publisher, subscribers = await join(worker)
        before, start = await worker.call("stats"), time.monotonic()
        sent = await publish(publisher, load, MEASURE_S)
        elapsed = time.monotonic() - start
        await asyncio.sleep(0.3)
        after = await worker.call("stats")
        for peer in (publisher, *subscribers):
            await peer.close()
    forwarded = after["sent"] - before["sent"]
    return Result(
        cost_us=(after["cpu_s"] - before["cpu_s"]) / forwarded * 1e6,
        delivered=sum(peer.received for peer in subscribers) / (sent * SUBSCRIBERS),
        rate=forwarded / elapsed,
        peer_kb=(after["rss_kb"] - empty["rss_kb"]) / (SUBSCRIBERS + 1),
    )


def floor(segment: int) -> float:
    """µs a packet for the bare system call: `sendto`, or one `sendmsg` for so many segments."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source,
    ):
        sink.bind(("127.0.0.1", 0))
        address, data = sink.getsockname(), memoryview(bytes((LENGTH + 16) * segment))
        ancillary = [(17, 103, (LENGTH + 16).to_bytes(2, sys.byteorder))]
        start = time.process_time()
        rounds = 20_000 // segment
        for _ in range(rounds):
            if segment == 1:
                source.sendto(data, address)
            else:
                source.sendmsg([data], ancillary, 0, address)
        return (time.process_time() - start) / (rounds * segment) * 1e6


async def main() -> None:
    """All loads, one after another."""
    for load in LOADS:
        with tempfile.TemporaryDirectory() as folder:
            result = await run(load, folder)
        print(
            f"{load.name}: {result.cost_us:.2f} µs CPU a forwarded packet (bare {floor(load.burst):.2f}), "
            f"{result.rate:,.0f}/s to {SUBSCRIBERS} peers of {result.peer_kb:.0f} kB, "
            f"{result.delivered:.3%} delivered",
            flush=True,
        )


if __name__ == "__main__":
    asyncio.run(main())
