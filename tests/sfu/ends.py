"""A transport without a node, and the light peer at its other end; links that lose, repeat and reorder."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Literal

from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters

from server.load.peer import LightPeer
from sfu.drops import DropCounter
from sfu.dtls import Certificate
from sfu.mux import Mux
from sfu.transport import State, Transport

CERTIFICATE = Certificate.generateCertificate()
FINGERPRINTS = [(one.algorithm, one.value) for one in CERTIFICATE.getFingerprints()]


class Owner:
    """Keeps what a transport hands on."""

    def __init__(self) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.states: list[tuple[State, str]] = []

    def rtp_received(self, data: bytes) -> None:
        """An RTP packet."""
        self.rtp.append(data)

    def rtcp_received(self, data: bytes) -> None:
        """An RTCP packet."""
        self.rtcp.append(data)

    def transport_changed(self, state: State, reason: str) -> None:
        """A change."""
        self.states.append((state, reason))


@contextlib.asynccontextmanager
async def running_mux() -> AsyncIterator[Mux]:
    """A gate on loopback."""
    gate = Mux(DropCounter())
    gate.open(["127.0.0.1"], 0)
    with contextlib.closing(gate):
        yield gate


class Ends:
    """Both ends of one connection; `role` is ours in DTLS."""

    def __init__(self, gate: Mux, role: Literal["client", "server"], peer: LightPeer | None = None) -> None:
        self.owner = Owner()
        self.transport = Transport("t", gate, CERTIFICATE, self.owner)
        self.peer = peer or LightPeer()
        self.role = role
        credentials = self.transport.ice.credentials
        self.peer.remote_ufrag, self.peer.remote_password = credentials.ufrag, credentials.password
        self.peer.server = ("127.0.0.1", gate.number)
        self.peer.dtls._set_role("server" if role == "client" else "client")
        asyncio.get_running_loop().add_reader(self.peer.socket, self.peer._read)

    def describe(self) -> None:
        """Give the transport the peer's fingerprints."""
        theirs = self.peer.certificate.getFingerprints()
        self.transport.describe_remote([(one.algorithm, one.value) for one in theirs], self.role)

    async def shake_hands(self) -> None:
        """The peer's half of the handshake."""
        await self.peer.dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(*one) for one in FINGERPRINTS]))

    async def connect(self) -> None:
        """ICE and DTLS."""
        self.describe()
        await self.peer.prove_address()
        await self.shake_hands()

    async def close(self) -> None:
        """Both."""
        self.transport.end(State.CLOSED, "test")
        await self.transport.wait_closed()
        await self.peer.close()


@contextlib.asynccontextmanager
async def ends(gate: Mux, role: Literal["client", "server"]) -> AsyncIterator[Ends]:
    """Both ends, closed afterwards."""
    one = Ends(gate, role)
    try:
        yield one
    finally:
        await one.close()


class BadLink:
    """Loses 30 % of the packets it is given, repeats and delays some: the same ones on every run."""

    def __init__(self, seed: int, deliver: Callable[[bytes], None]) -> None:
        self._draw = random.Random(seed)
        self._deliver = deliver

    def send(self, data: bytes) -> None:
        """Perhaps."""
        for _ in range(1 + (self._draw.random() < 0.1)):
            if self._draw.random() >= 0.3:
                asyncio.get_running_loop().call_later(self._draw.uniform(0, 0.03), self._deliver, data)
