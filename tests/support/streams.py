"""Encoders and players that speak WHIP and WHEP: aiortc peers with the material of the tests.

The publisher sends numbered frames and beeps, the player keeps the numbers and the sound it gets.
"""

import asyncio
import fractions
import time
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from tests.support import barcode, files, material, sound
from tests.support.material import Material

SDP = {"Content-Type": "application/sdp"}


class Camera(MediaStreamTrack):
    """The numbered pictures of a participant, counted on for as long as they are asked for."""

    kind = "video"

    def __init__(self, participant: int) -> None:
        super().__init__()
        self.participant = participant
        self.number = 0
        self.started: float | None = None

    async def recv(self) -> av.VideoFrame:
        """The next frame, when its time has come."""
        self.started = self.started or time.monotonic()
        await asyncio.sleep(max(0, self.started + self.number / material.FRAME_RATE - time.monotonic()))
        luma = material.picture(self.number % material.FRAMES, self.participant)
        frame = av.VideoFrame.from_ndarray(luma, format="gray").reformat(format="yuv420p")
        frame.pts, frame.time_base = (
            self.number * 90_000 // material.FRAME_RATE,
            fractions.Fraction(1, 90_000),
        )
        self.number += 1
        return frame


class Microphone(MediaStreamTrack):
    """The beeps and the murmur of a participant, in a loop."""

    kind = "audio"
    CHUNK = 960

    def __init__(self, made: Material) -> None:
        super().__init__()
        _, _, samples = files.samples(made.microphone)
        self.samples = (samples * 32767).astype(np.int16)
        self.position = 0
        self.started: float | None = None

    async def recv(self) -> av.AudioFrame:
        """The next 20 ms, when their time has come."""
        self.started = self.started or time.monotonic()
        await asyncio.sleep(max(0, self.started + self.position / 48_000 - time.monotonic()))
        start = self.position % len(self.samples)
        frame = av.AudioFrame.from_ndarray(
            self.samples[None, start : start + self.CHUNK], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self.position, fractions.Fraction(1, 48_000)
        self.position += self.CHUNK
        return frame


@dataclass
class Session:
    """A WHIP or WHEP session: the peer and the resource that DELETE ends."""

    origin: str
    token: str
    peer: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration([])))
    location: str = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.peer.close()

    async def start(self, path: str) -> None:
        """Offer and take the answer; the answer must be 201 with a Location."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        status, headers, answer = await self.post(path, self.peer.localDescription.sdp)
        assert status == 201, f"{path}: {status} {answer}"
        assert headers["Content-Type"].startswith("application/sdp")
        self.location = headers["Location"]
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def post(self, path: str, body: str | bytes, **headers: str) -> tuple[int, Any, str]:
        """One POST as WHIP and WHEP have it: status, headers, body."""
        sent = SDP | {"Authorization": f"Bearer {self.token}"} | headers
        async with (
            aiohttp.ClientSession() as client,
            client.post(self.origin + path, data=body, headers=sent) as answer,
        ):
            return answer.status, answer.headers, await answer.text()

    async def delete(self) -> int:
        """End the session at its resource; the status."""
        url = self.location if "://" in self.location else self.origin + self.location
        headers = {"Authorization": f"Bearer {self.token}"}
        async with aiohttp.ClientSession() as client, client.delete(url, headers=headers) as answer:
            return answer.status


class Publisher(Session):
    """An encoder: sends a participant's numbered pictures and beeps by WHIP."""

    async def publish(self, meeting: str, made: Material) -> None:
        """Start sending."""
        self.camera, self.microphone = Camera(made.participant), Microphone(made)
        self.peer.addTrack(self.microphone)
        self.peer.addTrack(self.camera)
        await self.start(f"/whip/{meeting}")


class Player(Session):
    """A viewer: keeps what one participant sends, got by WHEP."""

    async def play(self, meeting: str, participant_id: str, query: str = "") -> None:
        """Start receiving."""
        self.codes: list[tuple[float, barcode.Code | None]] = []
        self.sound: list[tuple[float, np.ndarray]] = []
        self.readers: list[asyncio.Task[None]] = []
        self.peer.on("track", self._track)
        for kind in ("video",) if query else ("audio", "video"):
            self.peer.addTransceiver(kind, direction="recvonly")
        await self.start(f"/whep/{meeting}/{participant_id}{query}")

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        readers = getattr(self, "readers", [])
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    def numbers(self, since: float = 0) -> list[int]:
        """The numbers of the frames got since a moment of `time.monotonic()`."""
        return [code.number for at, code in self.codes if code and at >= since]

    def beeps(self, participant: int, since: float = 0) -> list[int]:
        """The marks of the beeps got."""
        parts = [samples for at, samples in self.sound if at >= since]
        if not parts:
            return []
        return [beep.mark for beep in sound.find_beeps(np.concatenate(parts), 48_000, participant)]

    def _track(self, track: MediaStreamTrack) -> None:
        reader = self._pictures if track.kind == "video" else self._sounds
        self.readers.append(asyncio.create_task(reader(track), name=f"whep {track.kind}"))

    async def _pictures(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                luma = frame.reformat(format="gray").to_ndarray()
                self.codes.append((time.monotonic(), barcode.read(luma)))
        except MediaStreamError:
            return

    async def _sounds(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
                self.sound.append((time.monotonic(), samples.astype(np.float32) / 32768))
        except MediaStreamError:
            return
