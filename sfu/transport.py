"""ICE, DTLS and SRTP of one peer.

After the handshake media goes through libsrtp in place and passes by aiortc. This file and `dtls` are the only ones
that touch the underscored names of aiortc and pylibsrtp.
"""

import asyncio
import enum
import logging
import time
from collections.abc import Iterable
from socket import htonl
from struct import Struct
from typing import Any, Protocol

import pylibsrtp
from aiortc.rtcdtlstransport import RTCCertificate
from pylibsrtp._binding import ffi, lib

from sfu.drops import DropReason
from sfu.dtls import DtlsEnd, DtlsError, Fingerprint, Keys, Role
from sfu.ice import IceAgent
from sfu.limits import TokenBucket
from sfu.mux import Mux
from sfu.rtp import is_rtcp

_log = logging.getLogger(__name__)

# From the exchange of descriptions to the keys. Browsers give up by then, too.
HANDSHAKE_S = 30.0
# The handshake is kept for so long after its end, that a goodbye can be read for certain.
SETTLED_S = 5.0
# Who may have said goodbye and is silent for so long, longer than between two checks, is gone. A packet may come
# after the goodbye that left before it.
GONE_S, OVERTAKEN_S = 8.0, 1.0
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


class Transport:
    """One peer's encrypted way in and out. Created with the local description, started by the remote one.

    `tx` is libsrtp's handle for encrypting what goes out, None while there is no key; it goes to
    `ice.media_path`. Packets of at most `most_ssrcs` senders are taken in.
    """

    state = State.NEW
    reason = ""
    profile = ""
    tag_length = 0
    received_bytes = 0
    _heard_at = 0.0
    tx: Any = None
    _rx: Any = None
    _keys: Keys | None = None
    _remote: frozenset[Fingerprint] | None = None
    _role: Role = "server"
    _task: asyncio.Task[None] | None = None
    _connected_at = float("inf")
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
        self._dtls = DtlsEnd(name, self.ice, certificate, self._closed_by_peer)
        self._nominated = asyncio.Event()
        self._length = ffi.new("int *")
        self._tracked: set[int] = set()
        self._packet_budget = TokenBucket(PACKETS_PER_S, PACKETS_BURST, now)
        self._byte_budget = TokenBucket(BYTES_PER_S, BYTES_BURST, now)
        self._rtcp_budget = TokenBucket(RTCP_BYTES_PER_S, RTCP_BYTES_BURST, now)
        mux.add(self.ice.credentials, self)

    # Lifecycle

    def describe_remote(self, fingerprints: Iterable[Fingerprint], role: Role = "server") -> None:
        """The certificate fingerprints of the remote description, all of which must match; our `role` in DTLS.

        We are the server of a peer that is `active`, the client of one that is `passive` (RFC 5763, 5): then we
        say hello, but like everything to an address that was checked. A later description changes nothing, see
        `is_described_by`.
        """
        if self._remote is None:
            self._remote, self._role = frozenset(fingerprints), role
            self.begin_deadline()
            self._start()

    def is_described_by(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Whether these are of the end we know; another certificate is another end (RFC 8842, 5.5)."""
        return self._remote is None or self._remote == frozenset(fingerprints)

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
            self._take(await self._dtls.shake_hands(self._remote, self._role))
        except DtlsError as error:
            return self.end(State.FAILED, error.reason)
        await self._nominated.wait()
        self._connected_at = time.monotonic()
        return self._set_state(State.CONNECTED)

    def _take(self, keys: Keys) -> None:
        self._keys = keys
        self._rx, self.tx = keys.receiving._srtp[0], keys.sending._srtp[0]
        self.profile, self.tag_length = keys.profile, keys.tag_length

    def _closed_by_peer(self) -> None:
        self.end(State.CLOSED, "closed_by_peer")

    def silent_s(self, now: float) -> float:
        """How long ago the last authentic packet came, of whatever kind."""
        return now - self._last_heard

    @property
    def _last_heard(self) -> float:
        return max(self._heard_at, self.ice.last_check)

    def tick(self, now: float) -> None:
        """End what has waited too long. To be called once a second."""
        self._forget_old_credentials(now)
        self._mux.forget(self, self.ice.expire_paths(now))
        if self.state is not State.CONNECTED and now > self._deadline:
            self.end(State.FAILED, "handshake_timeout")
        elif self.state is State.CONNECTED and not self.ice.consents(now):
            self.end(State.CLOSED, "consent_expired")
        elif self._has_gone(now):
            self._closed_by_peer()
        elif self._is_over_for_both(now):
            self._dtls.settle()

    def _is_over_for_both(self, now: float) -> bool:
        """Whether nobody repeats the handshake any more: the other end has shown that it has keys, or given up."""
        waited_s = now - self._connected_at
        return waited_s > SETTLED_S and (self._heard_at > 0 or waited_s > HANDSHAKE_S)

    def _has_gone(self, now: float) -> bool:
        """Whether a goodbye may have come and nothing after it."""
        doubted_at = self._dtls.doubted_at
        if doubted_at is None or self._last_heard > doubted_at + OVERTAKEN_S:
            return False
        return now - doubted_at > GONE_S and self.silent_s(now) > GONE_S

    def _forget_old_credentials(self, now: float) -> None:
        expired = self.ice.expire_credentials(now)
        if expired is not None:
            self._mux.remove(expired)

    def end(self, state: State, reason: str) -> None:
        """Tell the remote end, forget the keys and addresses. The first end counts, later ones do nothing."""
        if self.state.ended:
            return
        self._dtls.close()
        self._rx = self.tx = None
        self._mux.remove(self.ice.credentials)
        self._forget_old_credentials(float("inf"))
        self._mux.forget(self, self.ice.paths)
        self._cancel_tasks()
        self._set_state(state, reason)

    def _cancel_tasks(self) -> None:
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def wait_closed(self) -> None:
        """After `end`: until the tasks are gone."""
        if self._task is not None and self._task is not asyncio.current_task():
            await asyncio.gather(self._task, return_exceptions=True)
        await self._dtls.wait_closed()

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
        if not self._dtls.receive(data, time.monotonic()):
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
        if self._keys is None or self.tx is None or self.ice.media_path is None:
            return False
        try:
            return self.ice.media_path.send(self._keys.sending.protect_rtcp(data))
        except pylibsrtp.Error:
            return False
