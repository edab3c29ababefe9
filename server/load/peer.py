"""A peer without codecs that speaks ICE, DTLS and SRTP: for load, for odd packets and for attacks."""

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from sfu import rtcp, sdp
from sfu.rtp import is_rtcp
from sfu.sdp import Codec, Media, SessionDescription

OPUS = Codec(111, "opus", 48_000, 2)
VP8 = Codec(96, "VP8", 90_000, feedback=["nack", "nack pli", "goog-remb", "transport-cc"])
RTX = Codec(97, "rtx", 90_000, parameters={"apt": "96"})
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"

CHECKED_WITHIN_S = 5.0
HANDSHAKE_WITHIN_S = 10.0
# One socket's share of a burst must wait while the others are read; SO_RCVBUFFORCE, where we are privileged.
_RECEIVE_BUFFER_BYTES = 4 << 20
_SO_RCVBUFFORCE = 33


class LinkFailed(ConnectionError):
    """No answer to connectivity checks, or no DTLS."""


class _Path:
    """Stands in for aiortc's ICE transport."""

    role = "controlling"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.records: asyncio.Queue[bytes] = asyncio.Queue()
        self.send = send

    async def _recv(self) -> bytes:
        return await self.records.get()

    async def _send(self, data: bytes) -> None:
        self.send(data)


class LightPeer:
    """One UDP socket. `rtp` and `rtcp` collect what arrives; a `silent` one only counts RTP: `received`.

    `host` is the address to send from. Of header extensions it offers `extensions` and takes what `accepted`
    names; what both ends agreed on is then in `agreed`, by mid and URI.
    """

    certificate = RTCCertificate.generateCertificate()
    extensions: ClassVar[Mapping[int, str]] = {1: AUDIO_LEVEL, 4: MID}
    accepted: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, silent: bool = False, host: str = "127.0.0.1") -> None:
        self.host = host
        self.socket = self._bind()
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.remote_ufrag = self.remote_password = ""
        self.server: tuple[str, int] = ("", 0)
        self.agreed: dict[str, dict[str, int]] = {}
        self.rtp: list[bytes] = []
        self.rtcp: list[Any] = []
        self.checks_answered = 0
        self.received = 0
        self.lose: Callable[[bytes], bool] = lambda _: False
        self._silent = silent
        self._path = _Path(self.send)
        self.dtls = RTCDtlsTransport(self._path, [self.certificate])  # type: ignore[arg-type]
        self._dtls_role = "client"
        self._fingerprints: list[RTCDtlsFingerprint] = []

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        with contextlib.suppress(PermissionError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER_BYTES)
        sock.bind((self.host, 0))
        sock.setblocking(False)
        return sock

    # Descriptions

    def _section(self, kind: str, mid: str, direction: str, setup: str, codecs: list[Codec]) -> Media:
        fingerprint = self.certificate.getFingerprints()[0]
        return Media(
            kind=kind,
            mid=mid,
            formats=[str(codec.payload_type) for codec in codecs],
            codecs=codecs,
            direction=direction,
            rtcp_mux=True,
            rtcp_rsize=True,
            ice_ufrag=self.ufrag,
            ice_pwd=self.password,
            fingerprints=[(fingerprint.algorithm, fingerprint.value)],
            setup=setup,
        )

    def offer(
        self,
        ssrcs: Mapping[str, tuple[int, ...]],
        direction: str = "sendonly",
        rids: Mapping[str, tuple[str, ...]] | None = None,
    ) -> str:
        """Sections by mid, which is "audio" or "video" and a digit where there are several, with SSRCs.

        Sections in `rids` are simulcast with these encodings, and name no SSRC, as browsers do.
        """
        media = []
        for mid, numbers in ssrcs.items():
            kind = mid.rstrip("0123456789")
            one = self._section(kind, mid, direction, "actpass", [OPUS] if kind == "audio" else [VP8, RTX])
            one.extensions = dict(self.extensions)
            _put_streams(one, numbers, (rids or {}).get(mid, ()))
            media.append(one)
        return sdp.serialise(SessionDescription(bundle=list(ssrcs), media=media, session_id=1))

    def answer(self, offer: str) -> str:
        """Take all of an offer that is Opus or VP8."""
        offered = sdp.parse(offer)
        media = [self._answered(one) for one in offered.media]
        return sdp.serialise(SessionDescription(bundle=offered.bundle, media=media, session_id=1))

    def _answered(self, offered: Media) -> Media:
        media = self._section(offered.kind, offered.mid, "recvonly", "active", _chosen(offered))
        media.extensions = {number: uri for number, uri in offered.extensions.items() if uri in self.accepted}
        self.agreed[offered.mid] = {uri: number for number, uri in media.extensions.items()}
        return media

    # Connecting

    def use(self, description: str) -> None:
        """Learn where the node is and what it calls itself."""
        media = sdp.parse(description).media[0]
        self.remote_ufrag, self.remote_password = media.ice_ufrag or "", media.ice_pwd or ""
        self.server = self._candidate(description)
        self._fingerprints = [RTCDtlsFingerprint(*one) for one in media.fingerprints]
        self._dtls_role = "server" if media.setup == "active" else "client"
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.socket)
        loop.add_reader(self.socket, self._read)

    def _candidate(self, description: str) -> tuple[str, int]:
        """The best UDP address of the node's that this socket can send to."""
        lines = (line.split() for line in description.splitlines() if line.startswith("a=candidate"))
        family = ":" in self.host
        for words in lines:
            if words[2].lower() == "udp" and (":" in words[4]) is family:
                return words[4], int(words[5])
        raise LinkFailed("the server announces no UDP address that can be reached from here")

    def check(self, use_candidate: bool = True, **changed: Any) -> stun.Message:
        """A connectivity check as the browser would send it."""
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{self.remote_ufrag}:{self.ufrag}"
        message.attributes["PRIORITY"] = 1
        message.attributes["ICE-CONTROLLING"] = 1
        if use_candidate:
            message.attributes["USE-CANDIDATE"] = None
        message.attributes.update(changed)
        message.add_message_integrity(self.remote_password.encode())
        return message

    async def prove_address(self) -> None:
        """Send a check and wait for its answer. Raises LinkFailed."""
        answered = self.checks_answered
        deadline = time.monotonic() + CHECKED_WITHIN_S
        while self.checks_answered == answered:
            if time.monotonic() > deadline:
                raise LinkFailed(f"no answer to a check from {self.server[0]} UDP port {self.server[1]}")
            self.send(bytes(self.check()))
            await asyncio.sleep(0.02)

    async def connect(self, description: str) -> None:
        """ICE and DTLS with the node whose description this is. Raises LinkFailed."""
        self.use(description)
        await self.prove_address()
        self.dtls._set_role(self._dtls_role)
        try:
            await asyncio.wait_for(self.dtls.start(RTCDtlsParameters(self._fingerprints)), HANDSHAKE_WITHIN_S)
        except TimeoutError:
            raise LinkFailed("the DTLS handshake did not end") from None
        if self.dtls.state != "connected":
            raise LinkFailed(f"DTLS {self.dtls.state}")

    @property
    def connected(self) -> bool:
        """Whether packets can be sent."""
        return self.dtls._tx_srtp is not None

    def move(self) -> None:
        """Go to another port; the old one is left without a word."""
        old = self.socket
        self.leave()
        old.close()

    def leave(self) -> None:
        """Go to another port; the old socket stays open and unread."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.socket)
        self.socket = self._bind()
        loop.add_reader(self.socket, self._read)

    # Packets

    def send(self, data: bytes) -> None:
        """As it is."""
        with contextlib.suppress(BlockingIOError):
            self.socket.sendto(data, self.server)

    def send_rtp(self, data: bytes) -> None:
        """Encrypted."""
        self.send(self.dtls._tx_srtp.protect(data))

    def send_rtcp(self, data: bytes) -> None:
        """Encrypted."""
        self.send(self.dtls._tx_srtp.protect_rtcp(data))

    def _read(self) -> None:
        for _ in range(256):
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            if data and not self.lose(data):
                self._take(data)

    def _take(self, data: bytes) -> None:
        if data[0] < 4:
            self._take_stun(stun.parse_message(data))
        elif data[0] < 64:
            self._path.records.put_nowait(data)
        else:
            self._take_media(data)

    def _take_stun(self, message: stun.Message) -> None:
        if message.message_class == stun.Class.RESPONSE:
            self.checks_answered += 1
        elif message.message_class == stun.Class.REQUEST:
            self._answer_check(message)

    def _answer_check(self, request: stun.Message) -> None:
        """A server with full ICE checks us, too."""
        answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = self.server
        answer.add_message_integrity(self.password.encode())
        self.send(bytes(answer))

    def _take_media(self, data: bytes) -> None:
        self.received += not is_rtcp(data)
        if self._silent or self.dtls._rx_srtp is None:
            return
        if is_rtcp(data):
            self.rtcp += rtcp.parse(self.dtls._rx_srtp.unprotect_rtcp(data)).messages
        else:
            self.rtp.append(self.dtls._rx_srtp.unprotect(data))

    async def close(self) -> None:
        """Say goodbye and go."""
        task = self.dtls._task
        await self.dtls.stop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()


def _put_streams(media: Media, ssrcs: tuple[int, ...], rids: tuple[str, ...]) -> None:
    media.msid = ("light", media.mid)
    if rids:
        media.rids = [(rid, "send") for rid in rids]
        media.simulcast = f"send {';'.join(rids)}"
    elif ssrcs:
        media.ssrcs, media.cname = list(ssrcs), "light"
        if len(ssrcs) == 2:
            media.ssrc_groups = [("FID", list(ssrcs))]


def _chosen(offered: Media) -> list[Codec]:
    """Opus, or VP8 and its repair stream, by the numbers of the offer."""
    name = "opus" if offered.kind == "audio" else "vp8"
    codec = next((one for one in offered.codecs if one.name.lower() == name), None)
    if codec is None:
        raise LinkFailed(f"the server offers no {name}")
    apt = str(codec.payload_type)
    repairs = (one for one in offered.codecs if one.name == "rtx" and one.parameters.get("apt") == apt)
    return [codec, *repairs]
