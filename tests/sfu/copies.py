"""A publication and its copies without a node: time and packets are given by the test."""

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from pylibsrtp import Policy, Session

from sfu import rtcp
from sfu.batch import Batch
from sfu.drops import DropCounter
from sfu.formats import Format, Payload
from sfu.ice import IceAgent
from sfu.output import Output
from sfu.port import UdpPort
from sfu.publication import Publication
from sfu.rtp import RtpPacket
from sfu.stream import Stream, Upstream
from sfu.subscription import Subscription
from sfu.writer import Agreed
from tests.sfu.packets import video_packet

SSRC, RTX_SSRC = 1, 2
COPY_SSRC, COPY_RTX_SSRC = 101, 102
VIDEO = Format("video", (Payload("VP8", 90_000, 96, 97),), nack=True)
AGREED = Agreed({"VP8": (96, 97)})
_KEY = bytes(range(30))


class Source:
    """What reads a publisher's packets, and hears what is asked of the publisher."""

    def __init__(self, media_format: Format = VIDEO, rids: tuple[str, ...] = ()) -> None:
        self.output = Output(DropCounter())
        self.asked: list[rtcp.Message] = []
        self._deferred: list[Callable[[], None]] = []
        upstream = Upstream(self.output, self._ask, self._deferred.append, rtt_s=lambda: 0.1)
        self.publication = Publication("alice", "camera", media_format, upstream, rids)
        self.stream = self.publication.streams[0]

    def _ask(self, data: bytes) -> bool:
        self.asked += rtcp.parse(data).messages
        return True

    def arrives(
        self, sequence: int, now: float, picture: int = 1, length: int = 300, ssrc: int = SSRC
    ) -> None:
        """A frame of one packet; picture 0 is a keyframe. It waits for the end of the batch."""
        data = video_packet(sequence, sequence * 3000, ssrc, picture, 0, 1, length)
        self.stream.receive(RtpPacket.parse(data), now)

    def end_batch(self) -> None:
        """All has been read that was waiting."""
        while self._deferred:
            self._deferred.pop(0)()

    def send(self, *sequences: int, now: float, picture: int = 1, length: int = 300) -> None:
        """A batch of them."""
        for sequence in sequences:
            self.arrives(sequence, now, picture, length)
        self.end_batch()

    def plis(self) -> int:
        """How often a keyframe was asked for."""
        return sum(isinstance(message, rtcp.Pli) for message in self.asked)


class Collector:
    """A sink that keeps all it is given."""

    def __init__(self) -> None:
        self.sequences: list[int] = []
        self.begun = self.restarts = 0

    def started(self, publication: Publication) -> None:
        """Counted; takes every stream."""
        self.begun += 1
        for stream in publication.streams:
            stream.add_sink(self)

    def forward(self, batch: Batch) -> None:
        """Kept."""
        self.sequences += [packet.sequence for packet in batch.packets]

    def restarted(self, stream: Stream) -> None:
        """Counted."""
        self.restarts += 1

    def reported(self, stream: Stream) -> None:
        """Nothing."""

    def paused(self, paused: bool) -> None:
        """Nothing."""

    def audible(self, audible: bool) -> None:
        """Nothing."""

    def wants(self, stream: Stream) -> bool:
        """All of them."""
        return True

    def ended(self) -> None:
        """Nothing."""


class Numbers:
    """A link that remembers what was sent on it."""

    def __init__(self) -> None:
        self.number = 0
        self.groups: list[tuple[int, int, int]] = []

    def sent(self, first: int, count: int, octets: int, now: float) -> None:
        """Kept."""
        self.groups.append((first, count, octets))


class Copy:
    """A subscription whose transport has its keys: `received` is what the receiver decrypts."""

    tag_length = 10

    def __init__(self, source: Source, agreed: Agreed = AGREED, kind: str = "video") -> None:
        self.link = Numbers()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._port = UdpPort("127.0.0.1", 0)
        self._sessions = [
            Session(Policy(_KEY, ssrc_type=kind))
            for kind in (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND)
        ]
        self.tx: Any = self._sessions[0]._srtp[0]
        self.ice = IceAgent(0.0)
        self.ice.checked(self._port.path(self._socket.getsockname()), True, 0.0)
        self.subscription = Subscription(
            self,  # type: ignore[arg-type]
            source.output,
            self.link,
            kind,
            COPY_SSRC,
            COPY_RTX_SSRC,
        )
        self.subscription.activate(agreed)
        source.publication.add_sink(self.subscription)

    def received(self) -> list[RtpPacket]:
        """What has come since the last time."""
        packets = []
        with contextlib.suppress(BlockingIOError):
            while True:
                packets.append(RtpPacket.parse(self._sessions[1].unprotect(self._socket.recv(2048))))
        return packets

    def close(self) -> None:
        """Release the sockets."""
        self._socket.close()
        self._port.close()
