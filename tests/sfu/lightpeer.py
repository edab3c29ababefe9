"""A peer without codecs that speaks ICE, DTLS and SRTP: for many peers, odd packets and attacks."""

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Callable
from typing import Any

from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from sfu import rtcp, sdp
from sfu.rtp import is_rtcp
from sfu.sdp import Codec, Media, SessionDescription

OPUS = Codec(111, "opus", 48_000, 2)
VP8 = Codec(96, "VP8", 90_000, feedback=["nack", "nack pli", "goog-remb"])
RTX = Codec(97, "rtx", 90_000, parameters={"apt": "96"})
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"


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
    """One UDP socket. `rtp` and `rtcp` collect what arrives; a `silent` one only counts RTP: `received`."""

    certificate = RTCCertificate.generateCertificate()

    def __init__(self, silent: bool = False) -> None:
        self.socket = self._bind()
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.remote_ufrag = self.remote_password = ""
        self.server: tuple[str, int] = ("", 0)
        self.rtp: list[bytes] = []
        self.rtcp: list[Any] = []
        self.checks_answered = 0
        self.received = 0
        self.lose: Callable[[bytes], bool] = lambda data: False
        self._silent = silent
        self._path = _Path(self.send)
        self.dtls = RTCDtlsTransport(self._path, [self.certificate])  # type: ignore[arg-type]
        self._fingerprints: list[RTCDtlsFingerprint] = []

    @staticmethod
    def _bind() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        return sock

    # Descriptions

    def _section(self, kind: str, mid: str, direction: str, setup: str) -> Media:
        fingerprint = self.certificate.getFingerprints()[0]
        codecs = [OPUS] if kind == "audio" else [VP8, RTX]
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

    def offer(self, ssrcs: dict[str, tuple[int, ...]], direction: str = "sendonly") -> str:
        """Sections by mid, which is "audio" or "video" and a digit where there are several, with SSRCs."""
        media = []
        for mid, numbers in ssrcs.items():
            one = self._section(mid.rstrip("0123456789"), mid, direction, "actpass")
            one.extensions = {1: AUDIO_LEVEL, 4: MID}
            if numbers:
                one.ssrcs, one.cname, one.msid = list(numbers), "light", ("light", mid)
            if len(numbers) == 2:
                one.ssrc_groups = [("FID", list(numbers))]
            media.append(one)
        return sdp.serialise(SessionDescription(bundle=list(ssrcs), media=media, session_id=1))

    def answer(self, offer: str) -> str:
        """Take all of an offer."""
        offered = sdp.parse(offer)
        media = [self._section(one.kind, one.mid, "recvonly", "active") for one in offered.media]
        return sdp.serialise(SessionDescription(bundle=offered.bundle, media=media, session_id=1))

    # Connecting

    def use(self, description: str) -> None:
        """Learn where the node is and what it calls itself."""
        media = sdp.parse(description).media[0]
        assert media.ice_ufrag
        assert media.ice_pwd
        self.remote_ufrag, self.remote_password = media.ice_ufrag, media.ice_pwd
        words = next(line for line in description.splitlines() if line.startswith("a=candidate")).split()
        self.server = (words[4], int(words[5]))
        self._fingerprints = [RTCDtlsFingerprint(*one) for one in media.fingerprints]
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.socket)
        loop.add_reader(self.socket, self._read)

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
        """Send a check and wait for its answer."""
        answered = self.checks_answered
        deadline = time.monotonic() + 5
        while self.checks_answered == answered:
            assert time.monotonic() < deadline, "no answer to a check"
            self.send(bytes(self.check()))
            await asyncio.sleep(0.02)

    async def connect(self, description: str) -> None:
        """ICE and DTLS with the node whose description this is."""
        self.use(description)
        await self.prove_address()
        self.dtls._set_role("client")
        await asyncio.wait_for(self.dtls.start(RTCDtlsParameters(self._fingerprints)), 10)
        assert self.dtls.state == "connected", self.dtls.state

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
            self.checks_answered += stun.parse_message(data).message_class == stun.Class.RESPONSE
        elif data[0] < 64:
            self._path.records.put_nowait(data)
        else:
            self._take_media(data)

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
