"""Where a browser can send to for real: ICE, DTLS and SRTP by aiortc, described by our own answers."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

from aiortc import RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceParameters

from sfu import rtcp
from sfu.errors import ParseError
from sfu.negotiation import LocalTransport, RemoteTransport
from sfu.rtp import RtpPacket

REPORT_INTERVAL_S = 0.2
ALLOWED_BPS = 4_000_000


class FarEnd(RTCDtlsTransport):
    """Counts the packets that arrive by payload type, and lets the browser send as much as it likes."""

    def __init__(self, gatherer: RTCIceGatherer) -> None:
        super().__init__(RTCIceTransport(gatherer), [RTCCertificate.generateCertificate()])
        self.received: Counter[int] = Counter()
        self.reports: asyncio.Task[None] | None = None
        self._ssrcs: set[int] = set()
        self._gatherer = gatherer

    def local(self) -> LocalTransport:
        """As our descriptions tell it."""
        parameters = self._gatherer.getLocalParameters()
        fingerprint = self.getLocalParameters().fingerprints[0]
        candidates = [one for one in self._gatherer.getLocalCandidates() if one.type == "host"]
        return LocalTransport(
            ufrag=parameters.usernameFragment or "",
            password=parameters.password or "",
            fingerprint=(fingerprint.algorithm, fingerprint.value),
            candidates=tuple((one.ip, one.port) for one in candidates),
            session_id=1,
        )

    async def connect(self, remote: RemoteTransport) -> None:
        """Wait for the browser, which begins both ICE and DTLS."""
        self._set_role("server")
        await self.transport.start(RTCIceParameters(remote.ufrag, remote.password))
        fingerprints = [RTCDtlsFingerprint(*one) for one in remote.fingerprints]
        await self.start(RTCDtlsParameters(fingerprints=fingerprints))
        self.reports = asyncio.create_task(self._allow())

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        del arrival_time_ms
        with contextlib.suppress(ParseError):
            packet = RtpPacket.parse(data)
            self.received[packet.payload_type] += 1
            self._ssrcs.add(packet.ssrc)

    async def _allow(self) -> None:
        """Report again and again that nothing is lost and much more would arrive."""
        while True:
            data = rtcp.ReceiverReport(1, ()).to_bytes()
            await self._send_rtp(data + rtcp.Remb(1, ALLOWED_BPS, tuple(self._ssrcs)[:20]).to_bytes())
            await asyncio.sleep(REPORT_INTERVAL_S)


@contextlib.asynccontextmanager
async def far_end() -> AsyncIterator[FarEnd]:
    """An end that is closed at last."""
    gatherer = RTCIceGatherer(iceServers=[])
    await gatherer.gather()
    end = FarEnd(gatherer)
    try:
        yield end
    finally:
        if end.reports:
            end.reports.cancel()
            await asyncio.gather(end.reports, return_exceptions=True)
        await end.stop()
        await end.transport.stop()
