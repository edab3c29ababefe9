"""Light peers in a meeting: connected to the node, without codecs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from server.load.peer import LightPeer
from sfu import sdp
from sfu.rtp import RtpPacket
from tests.sfu.clients import MEETING, Server, running_node, until
from tests.sfu.packets import audio_packet, video_packet

AUDIO_SSRC, VIDEO_SSRC, RTX_SSRC = 1001, 2001, 2002
CAMERA, MICROPHONE = ("alice", "camera"), ("alice", "microphone")
SOURCES = {"audio": "microphone", "video": "camera"}


class LightPublisher(LightPeer):
    """Publishes a microphone and a camera of ready-made packets."""

    def __init__(self, ssrc_offset: int = 0) -> None:
        super().__init__()
        self.audio_ssrc, self.video_ssrc = AUDIO_SSRC + ssrc_offset, VIDEO_SSRC + ssrc_offset
        self.rtx_ssrc = RTX_SSRC + ssrc_offset
        self.video_sequence = self.audio_sequence = 65_530
        self.picture = 0

    async def join(self, server: Server, peer: str, owner: str) -> None:
        """Publish and connect."""
        offer = self.offer({"audio": (self.audio_ssrc,), "video": (self.video_ssrc, self.rtx_ssrc)})
        answer = await server.node.publish(MEETING, peer, owner, offer, SOURCES)
        await self.connect(answer["sdp"])
        await asyncio.sleep(0.02)

    def frame(self, parts: int = 2, keyframe: bool = False, length: int = 300) -> list[bytes]:
        """The packets of the next video frame; the first frame is a keyframe anyway."""
        picture = 0 if keyframe else self.picture
        packets = []
        for part in range(parts):
            timestamp = self.picture * 3000
            one = video_packet(self.video_sequence, timestamp, self.video_ssrc, picture, part, parts, length)
            packets.append(one)
            self.video_sequence += 1
        self.picture += 1
        return packets

    def sound(self) -> bytes:
        """The next 20 ms of sound."""
        self.audio_sequence += 1
        return audio_packet(self.audio_sequence, self.audio_sequence * 960, self.audio_ssrc)

    async def send_frames(self, count: int, keyframe_first: bool = True, parts: int = 2) -> None:
        """So many frames, quickly, with sound; what the node cannot take at once it would lose."""
        for index in range(count):
            for packet in self.frame(parts, keyframe=keyframe_first and index == 0):
                self.send_rtp(packet)
            self.send_rtp(self.sound())
            await asyncio.sleep(0.002)


class LightSubscriber(LightPeer):
    """Receives what it wants."""

    def __init__(self, silent: bool = False) -> None:
        super().__init__(silent)
        self.slots: dict[tuple[str, str], str] = {}
        self.ssrcs: dict[str, list[int]] = {}
        self.offers = 0

    async def want(self, server: Server, peer: str, *tracks: tuple[str, str]) -> None:
        """State what is wanted; answer the offer if there is one, and connect the first time."""
        wants = [{"owner": owner, "source": source} for owner, source in tracks]
        result = await server.node.subscribe(MEETING, peer, wants)
        self.slots = {(slot["owner"], slot["source"]): slot["mid"] for slot in result["slots"]}
        if result["sdp"] is not None:
            self.offers += 1
            self.ssrcs = ssrcs_of(result["sdp"])
            await server.node.answer(peer, self.answer(result["sdp"]))
            if self.offers == 1:
                await self.connect(result["sdp"])
                await asyncio.sleep(0.05)

    def packets(self, owner: str, source: str) -> list[RtpPacket]:
        """What has come in that track's slot, retransmissions not counted."""
        ssrc = self.ssrcs[self.slots[owner, source]][0]
        return [packet for data in self.rtp if (packet := RtpPacket.parse(data)).ssrc == ssrc]


class Call:
    """Alice is seen and heard by Bob."""

    def __init__(
        self, server: Server, alice: LightPublisher | None = None, bob: LightSubscriber | None = None
    ) -> None:
        self.server = server
        self.alice, self.bob = alice or LightPublisher(), bob or LightSubscriber()

    async def goes_on(self) -> None:
        """Ten more frames and sounds arrive, whole."""
        before = len(self.bob.packets(*CAMERA)), len(self.bob.packets(*MICROPHONE))
        await self.alice.send_frames(10)
        await until(
            lambda: (
                len(self.bob.packets(*CAMERA)) >= before[0] + 20
                and len(self.bob.packets(*MICROPHONE)) >= before[1] + 10
            )
        )


@contextlib.asynccontextmanager
async def call() -> AsyncIterator[Call]:
    """A call that must go on, whatever is done beside it."""
    async with running_node() as server:
        one = Call(server)
        async with light(one.alice, one.bob):
            await one.alice.join(server, "p1", "alice")
            await one.bob.want(server, "s1", CAMERA, MICROPHONE)
            await one.goes_on()
            yield one
            await one.goes_on()


def ssrcs_of(description: str) -> dict[str, list[int]]:
    """mid → the SSRCs announced."""
    return {media.mid: media.ssrcs for media in sdp.parse(description).media}


@contextlib.asynccontextmanager
async def light(*peers: LightPeer) -> AsyncIterator[None]:
    """Closes the peers at the end."""
    try:
        yield
    finally:
        for peer in peers:
            await peer.close()
