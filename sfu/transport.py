"""ICE, DTLS and SRTP of one peer.

The DTLS handshake is aiortc's; it runs over a small stand-in for an ICE transport and is fed DTLS records
only. After it, media goes through libsrtp in place and passes by aiortc. This is the only file that touches
the underscored names of aiortc and pylibsrtp.
"""

import asyncio
import enum
import logging
import time
from collections.abc import Iterable
from socket import htonl
from struct import Struct
from typing import Any, Literal, Protocol, cast

import pylibsrtp
from aiortc import RTCIceTransport
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from OpenSSL import SSL
from pylibsrtp._binding import ffi, lib

from sfu.drops import DropReason
from sfu.flights import Flights
from sfu.ice import IceAgent
from sfu.limits import TokenBucket
from sfu.mux import Mux
from sfu.rtp import is_rtcp

_log = logging.getLogger(__name__)

# From the exchange of descriptions to the keys. Browsers give up by then, too.
HANDSHAKE_S = 30.0
# A handshake's longest flight is a handful of records; application data never comes.
_RECORDS_WAITING = 32
# RFC 5246, 6.2.1: change_cipher_spec and handshake.
_HANDSHAKE_RECORDS = (20, 22)
# Whose packets one peer may send: four sources with retransmission are eight; the rest is room for renegotiation.
MOST_SSRCS = 20
# What one peer may send: a 4 Mbit/s screen and a 2.5 Mbit/s camera with retransmissions are 900 packets/s.
PACKETS_PER_S, PACKETS_BURST = 5_000, 5_000
BYTES_PER_S, BYTES_BURST = 4_000_000, 4_000_000
# Reports are some hundred bytes a second, requests for lost packets some thousand on a bad link; each byte is
# work.
RTCP_BYTES_PER_S, RTCP_BYTES_BURST = 50_000, 50_000
# libsrtp.h, srtp_err_status_t.
_REPLAYED = (9, 10)
_TAG_LENGTHS = {b"SRTP_AES128_CM_SHA1_80": 10}
_GCM_TAG_LENGTH = 16

_ssrc_at = Struct("!I").unpack_from


class State(enum.StrEnum):
    """new → connecting (address proved, handshake runs) → connected; from any of them closed or failed."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing comes after it."""
        return self in (State.CLOSED, State.FAILED)


class TransportOwner(Protocol):
    """Who gets what arrives. `data` is decrypted and authenticated, and still as the peer wished it to be."""

    def rtp_received(self, data: bytes) -> None:
        """An RTP packet."""

    def rtcp_received(self, data: bytes) -> None:
        """An RTCP packet, compound or of reduced size."""

    def transport_changed(self, state: State, reason: str) -> None:
        """The lifecycle went on; `reason` is a code, empty except at the end."""


class Certificate(RTCCertificate):
    """A certificate whose connections share one context of OpenSSL, and keep no buffers: 35 kB less for each."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            # None would ever be resumed: each peer connection has keys of its own.
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
            self._context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        return self._context


class _DtlsPath:
    """Stands in for aiortc's RTCIceTransport under RTCDtlsTransport."""

    role = "controlled"

    def __init__(self, ice: IceAgent) -> None:
        self._ice = ice
        self.records: asyncio.Queue[bytes] = asyncio.Queue(_RECORDS_WAITING)
        self.flights = Flights(self._send_now)

    async def _recv(self) -> bytes:
        return await self.records.get()

    async def _send(self, data: bytes) -> None:
        self.flights.send(data)

    def _send_now(self, data: bytes) -> None:
        if self._ice.path is not None:
            self._ice.path.send(data)


class Transport:
    """One peer's encrypted way in and out. Created with the local description, started by the remote one.

    `tx` is libsrtp's handle for encrypting what goes out, None while there is no key; it goes to
    `ice.media_path`. Packets of at most `most_ssrcs` senders are taken in.
    """

    state = State.NEW
    reason = ""
    profile = ""
    tag_length = _GCM_TAG_LENGTH
    received_bytes = 0
    _heard_at = 0.0
    tx: Any = None
    _rx: Any = None
    _sessions: tuple[pylibsrtp.Session, pylibsrtp.Session] | None = None
    _remote: RTCDtlsParameters | None = None
    _task: asyncio.Task[None] | None = None
    # Nobody has to hurry before the descriptions are exchanged.
    _deadline = float("inf")
    _declared: frozenset[int] = frozenset()

    def __init__(
        self,
        name: str,
        mux: Mux,
        certificate: RTCCertificate,
        owner: TransportOwner,
        most_ssrcs: int = MOST_SSRCS,
    ) -> None:
        now = time.monotonic()
        self.name = name
        self.ice = IceAgent(now)
        self.drops = mux.drops
        self._mux = mux
        self._owner = owner
        self._most_ssrcs = most_ssrcs
        self._path = _DtlsPath(self.ice)
        self._dtls = RTCDtlsTransport(cast(RTCIceTransport, self._path), [certificate])
        self._nominated = asyncio.Event()
        self._length = ffi.new("int *")
        self._tracked: set[int] = set()
        self._packet_budget = TokenBucket(PACKETS_PER_S, PACKETS_BURST, now)
        self._byte_budget = TokenBucket(BYTES_PER_S, BYTES_BURST, now)
        self._rtcp_budget = TokenBucket(RTCP_BYTES_PER_S, RTCP_BYTES_BURST, now)
        mux.add(self.ice.credentials, self)

    # Lifecycle

    def describe_remote(
        self, fingerprints: Iterable[tuple[str, str]], role: Literal["client", "server"] = "server"
    ) -> None:
        """The certificate fingerprints of the remote description, all of which must match; our `role` in DTLS.

        We are the server of a peer that is `active`, the client of one that is `passive` (RFC 5763, 5): then we
        say hello, but like everything to an address that was checked. A later description changes nothing, see
        `is_described_by`.
        """
        if self._remote is None:
            values = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints]
            self._remote = RTCDtlsParameters(fingerprints=values)
            self._dtls._set_role(role)
            self.begin_deadline()
            self._start()

    def is_described_by(self, fingerprints: Iterable[tuple[str, str]]) -> bool:
        """Whether these are of the end we know; another certificate is another end (RFC 8842, 5.5)."""
        known = self._remote.fingerprints if self._remote is not None else None
        return known is None or {(one.algorithm, one.value) for one in known} == set(fingerprints)

    def begin_deadline(self) -> None:
        """The descriptions are being exchanged now: the peer is awaited from here on."""
        self._deadline = time.monotonic() + HANDSHAKE_S

    def address_checked(self) -> None:
        """The gate let a check through."""
        if self.ice.media_path is not None:
            self._nominated.set()
        self._start()

    def restart_ice(self) -> None:
        """Answer an offer with new credentials by new ones of ours."""
        self._forget_old_credentials(float("inf"))
        self.ice.restart(time.monotonic())
        self._mux.add(self.ice.credentials, self)

    def _start(self) -> None:
        if self.state is State.NEW and self._remote is not None and self.ice.path is not None:
            self._set_state(State.CONNECTING)
            self._task = asyncio.get_running_loop().create_task(self._shake_hands(), name=f"dtls {self.name}")

    async def _shake_hands(self) -> None:
        assert self._remote is not None
        try:
            await self._dtls.start(self._remote)
        except Exception as error:  # OpenSSL and aiortc raise what they like at bytes from the network
            _log.info("Transport(%s) x handshake: %r", self.name, error)
            return self.end(State.FAILED, "dtls_failed")
        if self._dtls.state != "connected":
            return self.end(State.FAILED, "dtls_identity" if self._dtls.encrypted else "dtls_failed")
        self._path.flights.stop()
        self._take_keys()
        await self._nominated.wait()
        self._set_state(State.CONNECTED)
        assert self._dtls._task is not None
        try:
            await self._dtls._task
        except Exception as error:
            _log.info("Transport(%s) x DTLS: %r", self.name, error)
        return self.end(State.CLOSED, "closed_by_peer")

    def _take_keys(self) -> None:
        self._sessions = self._dtls._rx_srtp, self._dtls._tx_srtp
        self._rx, self.tx = (session._srtp[0] for session in self._sessions)
        assert self._dtls._ssl is not None
        profile = self._dtls._ssl.get_selected_srtp_profile()
        self.profile = profile.decode()
        self.tag_length = _TAG_LENGTHS.get(profile, _GCM_TAG_LENGTH)

    def silent_s(self, now: float) -> float:
        """How long ago the last authentic packet came, of whatever kind."""
        return now - max(self._heard_at, self.ice.last_check)

    def tick(self, now: float) -> None:
        """End what has waited too long. To be called once a second."""
        self._forget_old_credentials(now)
        self._mux.forget(self, self.ice.expire_paths(now))
        if self.state is not State.CONNECTED and now > self._deadline:
            self.end(State.FAILED, "handshake_timeout")
        elif self.state is State.CONNECTED and not self.ice.consents(now):
            self.end(State.CLOSED, "consent_expired")

    def _forget_old_credentials(self, now: float) -> None:
        expired = self.ice.expire_credentials(now)
        if expired is not None:
            self._mux.remove(expired)

    def end(self, state: State, reason: str) -> None:
        """Tell the remote end, forget the keys and addresses. The first end counts, later ones do nothing."""
        if self.state.ended:
            return
        self._path.flights.stop()
        self._say_goodbye()
        self._rx = self.tx = None
        self._mux.remove(self.ice.credentials)
        self._forget_old_credentials(float("inf"))
        self._mux.forget(self, self.ice.paths)
        self._cancel_tasks()
        self._set_state(state, reason)

    def _say_goodbye(self) -> None:
        ssl, path = self._dtls._ssl, self.ice.path
        if ssl is None or path is None:
            return
        try:
            ssl.shutdown()
            path.send(ssl.bio_read(1500))
        except SSL.Error as error:
            _log.debug("Transport(%s) could not say goodbye: %r", self.name, error)

    def _cancel_tasks(self) -> None:
        if self._dtls._task is not None:
            self._dtls._task.cancel()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def wait_closed(self) -> None:
        """After `end`: until the tasks are gone."""
        tasks = [task for task in (self._task, self._dtls._task) if task is not None]
        await asyncio.gather(
            *(task for task in tasks if task is not asyncio.current_task()), return_exceptions=True
        )

    def _set_state(self, state: State, reason: str = "") -> None:
        _log.info("Transport(%s) %s -> %s %s", self.name, self.state, state, reason)
        self.state, self.reason = state, reason
        self._owner.transport_changed(state, reason)

    # What comes in

    def declare_ssrcs(self, ssrcs: Iterable[int]) -> None:
        """What the remote description names or is bound to, the weightiest first; what is kept of others goes."""
        declared = frozenset(list(ssrcs)[: self._most_ssrcs])
        for ssrc in (self._declared | self._tracked) - declared:
            self._tracked.discard(ssrc)
            if self._rx is not None:
                lib.srtp_remove_stream(self._rx, htonl(ssrc))
        self._declared = declared

    def receive_dtls(self, data: bytes) -> None:
        """A record for the handshake, or after it the alert that closes."""
        if self._dtls.encrypted and data[0] in _HANDSHAKE_RECORDS:
            self._path.flights.again()
        try:
            self._path.records.put_nowait(data)
        except asyncio.QueueFull:
            self.drops.count(DropReason.DTLS_REFUSED)

    def receive_media(self, length: int) -> None:
        """Decrypt in place what lies in the mux's buffer and hand it on; anything wrong costs this packet."""
        if self._rx is None:
            return self.drops.count(DropReason.KEYS_MISSING)
        now = time.monotonic()
        if not (self._packet_budget.take(1, now) and self._byte_budget.take(length, now)):
            return self.drops.count(DropReason.RATE_LIMITED)
        if is_rtcp(self._mux.view):
            return self._receive_rtcp(length, now)
        return self._receive_rtp(length, now)

    def _receive_rtp(self, length: int, now: float) -> None:
        view = self._mux.view
        (ssrc,) = _ssrc_at(view, 8)
        if not self._may_track(ssrc):
            return self.drops.count(DropReason.SSRC_LIMIT)
        self._length[0] = length
        status = lib.srtp_unprotect(self._rx, self._mux.pointer, self._length)
        if status:
            return self._refused(status)
        # Only what is authenticated may take a place in a table.
        self._tracked.add(ssrc)
        self.received_bytes += length
        self._heard_at = now
        return self._owner.rtp_received(bytes(view[: self._length[0]]))

    def _may_track(self, ssrc: int) -> bool:
        """RTP and RTCP count together: libsrtp keeps one state of both. The declared have their places kept."""
        known = ssrc in self._tracked or ssrc in self._declared
        return known or len(self._tracked | self._declared) < self._most_ssrcs

    def _receive_rtcp(self, length: int, now: float) -> None:
        if not self._rtcp_budget.take(length, now):
            return self.drops.count(DropReason.RATE_LIMITED)
        view = self._mux.view
        (ssrc,) = _ssrc_at(view, 4)
        if not self._may_track(ssrc):
            return self.drops.count(DropReason.SSRC_LIMIT)
        self._length[0] = length
        status = lib.srtp_unprotect_rtcp(self._rx, self._mux.pointer, self._length)
        if status:
            return self._refused(status)
        self._tracked.add(ssrc)
        self._heard_at = now
        return self._owner.rtcp_received(bytes(view[: self._length[0]]))

    def _refused(self, status: int) -> None:
        replayed = status in _REPLAYED
        self.drops.count(DropReason.SRTP_REPLAYED if replayed else DropReason.SRTP_UNAUTHENTICATED)

    # What goes out

    def send_rtcp(self, data: bytes) -> bool:
        """Encrypt and send a compound of at most 1,300 bytes."""
        if self._sessions is None or self.tx is None or self.ice.media_path is None:
            return False
        try:
            return self.ice.media_path.send(self._sessions[1].protect_rtcp(data))
        except pylibsrtp.Error:
            return False
