"""A recorder as simple as can be, to prove the ruler with: what RTP and sender reports say, and nothing else.

An aiortc peer keeps each packet and each sender report; pictures and beeps are found by decoding, and their
RTP timestamps put on the sender's one NTP clock by the first report of each track (RFC 3550, 6.4.1).
"""

from typing import Any

import av
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.codecs.vpx import vp8_depayload
from aiortc.rtp import RtcpSrPacket

from tests.support import barcode, material, sound
from tests.support.ruler import Marked, Marks

CLOCK_RATES = {"video": 90_000, "audio": 48_000}


class ReferenceRecorder:
    """One receiving peer; `marks` works once each track has sent a report."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection()
        self.packets: dict[str, dict[int, Any]] = {"audio": {}, "video": {}}
        self.reports: dict[str, tuple[int, int]] = {}

    async def answer(self, offer: dict[str, str]) -> dict[str, str]:
        """Accept a browser's offer to send."""
        await self.peer.setRemoteDescription(RTCSessionDescription(**offer))
        for transceiver in self.peer.getTransceivers():
            self._listen(transceiver.receiver, transceiver.kind)
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        return {"type": "answer", "sdp": self.peer.localDescription.sdp}

    async def close(self) -> None:
        """End the call."""
        await self.peer.close()

    def marks(self, participant: int) -> Marks:
        """Flashes and beeps on the sender's clock, in milliseconds."""
        return Marks(self._flashes(), self._beeps(participant))

    def _listen(self, receiver: Any, kind: str) -> None:
        async def packet(packet: Any, arrival_time_ms: int) -> None:
            if packet.payload and packet.payload_type == receiver_type(receiver):
                self.packets[kind][packet.sequence_number] = packet

        async def report(packet: Any) -> None:
            if isinstance(packet, RtcpSrPacket):
                sent = packet.sender_info
                self.reports.setdefault(kind, (sent.ntp_timestamp, sent.rtp_timestamp))

        receiver._handle_rtp_packet, receiver._handle_rtcp_packet = packet, report

    def _time_ms(self, kind: str, rtp_timestamp: int) -> float:
        ntp, rtp = self.reports[kind]
        elapsed = (rtp_timestamp - rtp + 2**31) % 2**32 - 2**31
        return ntp / 2**32 * 1000 + elapsed / CLOCK_RATES[kind] * 1000

    def _flashes(self) -> list[Marked]:
        decoder = av.CodecContext.create("vp8", "r")
        flashes, frame = [], b""
        for packet in self.packets["video"].values():
            frame += vp8_depayload(packet.payload)
            if not packet.marker:
                continue
            for picture in decoder.decode(av.Packet(frame)):
                code = barcode.read(picture.reformat(format="gray").to_ndarray())
                mark = material.mark_of_frame(code.number) if code else None
                if mark is not None:
                    flashes.append(Marked(self._time_ms("video", packet.timestamp), mark))
            frame = b""
        return flashes

    def _beeps(self, participant: int) -> list[Marked]:
        decoder = av.CodecContext.create("libopus", "r")
        decoder.sample_rate, decoder.layout = 48_000, "mono"
        packets = list(self.packets["audio"].values())
        heard = [
            frame.to_ndarray().reshape(-1).astype(np.float32) / 32768
            for packet in packets
            for frame in decoder.decode(av.Packet(packet.payload))
        ]
        beeps = sound.find_beeps(np.concatenate(heard), 48_000, participant)
        first_ms = self._time_ms("audio", packets[0].timestamp)
        return [Marked(first_ms + beep.at_s * 1000, beep.mark) for beep in beeps]


def receiver_type(receiver: Any) -> int:
    """The payload type of the media itself, not of its retransmissions."""
    codecs = receiver._RTCRtpReceiver__codecs
    return next(number for number, codec in codecs.items() if not codec.name.lower().startswith("rtx"))
