"""One remote end: its transport and what both kinds of peer have in common."""

import itertools
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from aiortc.rtcdtlstransport import RTCCertificate

from sfu import rtcp
from sfu.drops import DropReason
from sfu.errors import PeerError
from sfu.health import Health
from sfu.keyframes import Asked
from sfu.mux import Mux
from sfu.negotiation import LocalTransport, RemoteTransport
from sfu.output import Output
from sfu.router import Router
from sfu.transport import MOST_SSRCS, State, Transport


@dataclass(frozen=True, slots=True)
class Worker:
    """What the peers of one node share."""

    mux: Mux
    output: Output
    certificate: RTCCertificate
    candidates: Callable[[], tuple[tuple[str, int], ...]]
    notify: Callable[..., None]
    turns: Iterator[int] = field(default_factory=itertools.count)
    asked: Asked = field(default_factory=Asked)

    def fingerprint(self) -> tuple[str, str]:
        """Of our certificate, as SDP names it."""
        first = self.certificate.getFingerprints()[0]
        return first.algorithm, first.value


class Peer(ABC):
    """A remote end of one meeting. Its node closes it; it closes itself only when its transport ends.

    `turn` spreads the peers' reports over the time between two.
    """

    most_ssrcs: ClassVar[int] = MOST_SSRCS
    direction: ClassVar[Literal["up", "down"]]

    def __init__(self, worker: Worker, router: Router, name: str, owner: str | None) -> None:
        self.owner = owner
        self.worker = worker
        self.router = router
        self.name = name
        self.turn = next(worker.turns)
        self.transport = Transport(name, worker.mux, worker.certificate, self, self.most_ssrcs)
        self._session_id = secrets.randbits(62)
        self._versions = itertools.count(1)
        self._remote_ufrag: str | None = None

    # Negotiation

    def local(self) -> LocalTransport:
        """Our end, as descriptions for this peer tell it."""
        credentials = self.transport.ice.credentials
        return LocalTransport(
            ufrag=credentials.ufrag,
            password=credentials.password,
            fingerprint=self.worker.fingerprint(),
            candidates=self.worker.candidates(),
            session_id=self._session_id,
        )

    def next_version(self) -> int:
        """Descriptions of one session are numbered (RFC 3264, 5)."""
        return next(self._versions)

    def check_same_end(self, remote: RemoteTransport) -> None:
        """Refuse the description of another connection. Raises PeerError fingerprint_changed."""
        if not self.transport.is_described_by(remote.fingerprints):
            raise PeerError("fingerprint_changed", f"peer {self.name} has another certificate")

    def restarts_ice(self, remote: RemoteTransport) -> bool:
        """Whether the remote end has changed its credentials; then ours are new, too (RFC 8839, 4.4.1)."""
        before, self._remote_ufrag = self._remote_ufrag, remote.ufrag
        if before is None or before == remote.ufrag:
            return False
        self.transport.restart_ice()
        return True

    # TransportOwner

    def rtp_received(self, data: bytes) -> None:
        """Nothing is expected of a peer that publishes nothing."""
        del data
        self.worker.output.drops.count(DropReason.SSRC_UNKNOWN)

    def rtcp_received(self, data: bytes) -> None:
        """Read what can be read of it, and act on each part."""
        self.read_rtcp(data, time.monotonic())

    def read_rtcp(self, data: bytes, now: float) -> None:
        """The same for what came at `now`."""
        messages, malformed = rtcp.parse(data)
        if malformed:
            self.worker.output.drops.count(DropReason.RTCP_MALFORMED)
        for message in messages:
            self.handle_rtcp(message, now)

    @abstractmethod
    def handle_rtcp(self, message: rtcp.Message, now: float) -> None:
        """One RTCP message from the peer."""

    def transport_changed(self, state: State, reason: str) -> None:
        """Tell the server; when it is the end, let go of everything."""
        if state.ended:
            self.release()
        self.worker.notify(
            "peer_state", meeting=self.router.meeting, peer=self.name, state=str(state), reason=reason
        )

    # Lifecycle

    @abstractmethod
    def release(self) -> None:
        """Leave the router. Idempotent."""

    @abstractmethod
    def tick(self, now: float) -> None:
        """What is due by the clock: several times a second."""

    @abstractmethod
    def report(self, now: float) -> None:
        """RTCP reports, once a second."""

    @abstractmethod
    def health(self, now: float) -> Health:
        """How this direction of the connection was since the last time it was asked."""

    def close(self, reason: str) -> None:
        """End the transport and leave the router. Idempotent."""
        self.transport.end(State.CLOSED, reason)

    def stats(self) -> dict[str, Any]:
        """For people: plain JSON, no secrets."""
        transport = self.transport
        return {
            "meeting": self.router.meeting,
            "owner": self.owner,
            "state": str(transport.state),
            "reason": transport.reason,
            "srtp_profile": transport.profile,
            "received_bytes": transport.received_bytes,
            "addresses": len(transport.ice.paths),
        }
