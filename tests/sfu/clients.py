"""Real peers for the node: aiortc connections that publish and receive over loopback."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack
from av import VideoFrame

from sfu.node import Node

MEETING = "meeting"


async def until(condition: Callable[[], Any], within_s: float = 10.0, what: str = "the condition") -> Any:
    """Wait until `condition()` is true; its value."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {within_s} s"
        await asyncio.sleep(0.02)
    return value


class Server:
    """A Node on loopback and what it has told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.node = Node(lambda event, **params: self.events.append((event, params)))

    def states(self, peer: str) -> list[tuple[str, str]]:
        """The states of a peer, with their reasons."""
        told = [params for event, params in self.events if event == "peer_state" and params["peer"] == peer]
        return [(params["state"], params["reason"]) for params in told]

    def heard(self, event: str, **params: Any) -> bool:
        """Whether such an event was told."""
        return any(name == event and params.items() <= given.items() for name, given in self.events)

    @property
    def drops(self) -> Counter[str]:
        """Packets dropped so far by reason."""
        return Counter(self.node._drops.as_dict())


@contextlib.asynccontextmanager
async def running_node() -> AsyncIterator[Server]:
    """A node, closed at the end, after which no task of its may be left."""
    before = asyncio.all_tasks()
    server = Server()
    await server.node.open(["127.0.0.1"])
    try:
        yield server
    finally:
        await server.node.close()
    left = [
        task for task in asyncio.all_tasks() - before if task.get_name().startswith(("dtls", "node", "close"))
    ]
    assert not left


class PictureTrack(VideoStreamTrack):
    """Small pictures of one grey, which tells the receiver whose they are."""

    def __init__(self, grey: int) -> None:
        super().__init__()
        self._picture = np.full((120, 160, 3), grey, np.uint8)

    async def recv(self) -> VideoFrame:
        """The next frame, at 30 a second."""
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(self._picture, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Client:
    """One RTCPeerConnection, and what it has received."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.frames: dict[str, list[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.connection.on("track", self._take)

    def _take(self, track: MediaStreamTrack) -> None:
        mid = next(one.mid for one in self.connection.getTransceivers() if one.receiver.track is track)
        self.frames[mid] = []
        self._tasks.append(asyncio.create_task(self._receive(mid, track)))

    async def _receive(self, mid: str, track: MediaStreamTrack) -> None:
        with contextlib.suppress(Exception):
            while True:
                self.frames[mid].append(await track.recv())

    async def publish(self, owner: str, **sources: MediaStreamTrack) -> dict[str, Any]:
        """Send these tracks as those sources."""
        for track in sources.values():
            self.connection.addTrack(track)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        mids = {
            transceiver.mid: source
            for transceiver in self.connection.getTransceivers()
            for source, track in sources.items()
            if transceiver.sender.track is track
        }
        offer = self.connection.localDescription.sdp
        result = await self.server.node.publish(MEETING, self.name, owner, offer, mids)
        await self.connection.setRemoteDescription(RTCSessionDescription(result["sdp"], "answer"))
        return result

    async def want(
        self, *tracks: tuple[str, str], disguise: Callable[[str], str] = str
    ) -> dict[tuple[str, str], str]:
        """Receive these (owner, source); returns where each is. `disguise` changes the offer."""
        wants = [{"owner": owner, "source": source} for owner, source in tracks]
        result = await self.server.node.subscribe(MEETING, self.name, wants)
        if result["sdp"] is not None:
            offer = disguise(result["sdp"])
            await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            await self.connection.setLocalDescription(await self.connection.createAnswer())
            await self.server.node.answer(self.name, self.connection.localDescription.sdp)
        return {(slot["owner"], slot["source"]): slot["mid"] for slot in result["slots"]}

    async def connected(self) -> None:
        """Wait for the node to say so."""
        await until(lambda: ("connected", "") in self.server.states(self.name), what=f"{self.name} connected")

    async def frames_of(
        self, mid: str, count: int, where: Callable[[Any], bool] = lambda frame: True
    ) -> list[Any]:
        """So many more frames of a slot."""
        start = len(self.frames.get(mid, []))

        def enough() -> list[Any]:
            found = [frame for frame in self.frames.get(mid, [])[start:] if where(frame)]
            return found if len(found) >= count else []

        return await until(enough, what=f"{count} frames in slot {mid} of {self.name}")

    async def close(self) -> None:
        """Leave."""
        await self.connection.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def client(server: Server, name: str) -> AsyncIterator[Client]:
    """A client that leaves at the end."""
    one = Client(server, name)
    try:
        yield one
    finally:
        await one.close()


def grey_of(frame: Any) -> int:
    """The grey of a received picture."""
    return int(frame.to_ndarray(format="gray").mean())


def silence() -> AudioStreamTrack:
    """A microphone in a quiet room."""
    return AudioStreamTrack()
