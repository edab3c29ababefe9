"""The DTLS of one peer: the handshake from which the keys come, and the goodbye.

The handshake is aiortc's; it runs over a small stand-in for an ICE transport and is fed DTLS records only. No
application data follows it, so that OpenSSL's part, 70 kB, is given up when the handshake is surely over for both.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, NamedTuple, cast

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

from sfu.flights import Flights
from sfu.ice import IceAgent

_log = logging.getLogger(__name__)

# A handshake's longest flight is a handful of records; application data never comes.
_RECORDS_WAITING: Final = 32
# RFC 5246, 6.2.1: change_cipher_spec and handshake; alert; and what DTLS 1.3 hides (RFC 9147, 4).
_HANDSHAKE_RECORDS: Final = (20, 22)
_ALERT: Final = 21
_HIDDEN_RECORDS: Final = range(32, 64)
_TAG_LENGTHS: Final = {b"SRTP_AES128_CM_SHA1_80": 10}
_GCM_TAG_LENGTH: Final = 16
_LONGEST_RECORD: Final = 1500

Fingerprint = tuple[str, str]
Role = Literal["client", "server"]


class Certificate(RTCCertificate):
    """A certificate whose connections share one context of OpenSSL and keep fewer buffers: 35 kB less for each."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            # None would ever be resumed: each peer connection has keys of its own.
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
            self._context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        return self._context


class DtlsError(Exception):
    """There are no keys; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Keys(NamedTuple):
    """What the handshake has agreed on: libsrtp's contexts of both directions, and how long its tags are."""

    receiving: pylibsrtp.Session
    sending: pylibsrtp.Session
    profile: str
    tag_length: int


class _Path:
    """Stands in for aiortc's RTCIceTransport under RTCDtlsTransport."""

    role = "controlled"

    def __init__(self, ice: IceAgent) -> None:
        self._ice = ice
        self.records: asyncio.Queue[bytes] = asyncio.Queue(_RECORDS_WAITING)
        self.flights = Flights(self.send_now)

    async def _recv(self) -> bytes:
        return await self.records.get()

    async def _send(self, data: bytes) -> None:
        self.flights.send(data)

    def send_now(self, data: bytes) -> None:
        if self._ice.path is not None:
            self._ice.path.send(data)


class DtlsEnd:
    """Our end. `on_closed` is called when the remote one has said goodbye.

    When settled it cannot read any more: what may be the goodbye is then only noted, in `doubted_at`.
    """

    doubted_at: float | None = None

    def __init__(
        self, name: str, ice: IceAgent, certificate: RTCCertificate, on_closed: Callable[[], None]
    ) -> None:
        self._name = name
        self._on_closed = on_closed
        self._path = _Path(ice)
        self._dtls: RTCDtlsTransport | None = RTCDtlsTransport(
            cast(RTCIceTransport, self._path), [certificate]
        )
        self._reading: asyncio.Task[None] | None = None
        self._goodbye = b""

    async def shake_hands(self, fingerprints: Iterable[Fingerprint], role: Role) -> Keys:
        """Run the handshake with who has these certificates, all of which must match. Raises DtlsError."""
        dtls = self._dtls
        assert dtls is not None
        dtls._set_role(role)
        try:
            await dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(*one) for one in fingerprints]))
        except Exception as error:  # OpenSSL and aiortc raise what they like at bytes from the network
            _log.info("DtlsEnd(%s) x handshake: %r", self._name, error)
            raise DtlsError("dtls_failed") from None
        if dtls.state != "connected":
            raise DtlsError("dtls_identity" if _is_protected(dtls) else "dtls_failed")
        self._path.flights.stop()
        reading = self._reading = cast("asyncio.Task[None]", dtls._task)
        reading.add_done_callback(self._ended)
        return _keys(dtls)

    def _ended(self, reading: asyncio.Task[None]) -> None:
        # A cancelled task holds the traceback, and by it all that it ran in.
        self._reading = None
        if reading.cancelled():
            return
        error = reading.exception()
        if error is not None:
            _log.info("DtlsEnd(%s) x %r", self._name, error)
        self._on_closed()

    def receive(self, record: bytes, now: float) -> bool:
        """Take a record in. False when there is no room for it, or when it comes too late to be of use."""
        dtls, kind = self._dtls, record[0]
        if dtls is None:
            return self._doubt(kind, now)
        if dtls.encrypted and kind in _HANDSHAKE_RECORDS:
            self._path.flights.again()
        try:
            self._path.records.put_nowait(record)
        except asyncio.QueueFull:
            return False
        return True

    def _doubt(self, kind: int, now: float) -> bool:
        if kind != _ALERT and kind not in _HIDDEN_RECORDS:
            return False
        self.doubted_at = now
        return True

    def settle(self) -> None:
        """The handshake is over for both ends: keep the goodbye alone. Idempotent."""
        self._goodbye = self._goodbye or self._closing_record()
        if self._reading is not None:
            self._reading.cancel()
        if self._dtls is not None:
            # The garbage collector would find them some minutes later.
            self._dtls._ssl = self._dtls._task = None
            self._dtls = None

    def _closing_record(self) -> bytes:
        """A close_notify: the last that is said."""
        ssl = self._dtls._ssl if self._dtls is not None else None
        if ssl is None:
            return b""
        try:
            ssl.shutdown()
            return bytes(ssl.bio_read(_LONGEST_RECORD))
        except SSL.Error as error:
            _log.debug("DtlsEnd(%s) has no goodbye: %r", self._name, error)
            return b""

    def close(self) -> None:
        """Say goodbye and be silent. Idempotent."""
        self._path.flights.stop()
        self.settle()
        if self._goodbye:
            self._path.send_now(self._goodbye)
            self._goodbye = b""

    async def wait_closed(self) -> None:
        """After `close`: until the task is gone."""
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)


def _is_protected(dtls: RTCDtlsTransport) -> bool:
    """Whether the handshake came to its end and there is a way to protect media."""
    return dtls.encrypted and dtls._ssl is not None and bool(dtls._ssl.get_selected_srtp_profile())


def _keys(dtls: RTCDtlsTransport) -> Keys:
    assert dtls._ssl is not None
    profile: Any = dtls._ssl.get_selected_srtp_profile()
    tag_length = _TAG_LENGTHS.get(profile, _GCM_TAG_LENGTH)
    return Keys(dtls._rx_srtp, dtls._tx_srtp, profile.decode(), tag_length)
