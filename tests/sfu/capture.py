"""Make the captures in tests/data/rtp anew: `python -m tests.sfu.capture CODEC SCALABILITY_MODE WIDTH HEIGHT FILE`.

With a sixth word, `described`, the dependency descriptor is agreed on.

Chromium's camera is received by aiortc, which knows fewer codecs than it can negotiate: it is shown an offer in
which the codec is called VP8, and its answer is corrected. Packets are kept as they left Chromium, decrypted; what
lies behind the first bytes of each payload is zeros, which cost nothing in a compressed file.
"""

import asyncio
import re
import sys
from pathlib import Path

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtp import RtcpPsfbPacket

from sfu.rtp import RtpPacket
from tests.sfu.browser import chromium_page
from tests.sfu.captures import save

DEPENDENCY_DESCRIPTOR = (
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)
SHOWN = "120"
KEPT_PAYLOAD = 56
PACKETS = 300
KEYFRAME_EVERY_S = 1

PUBLISH = """async ([codec, scalabilityMode, width, height]) => {
  const pc = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({video: {width, height}});
  const encoding = {maxBitrate: 1500000, maxFramerate: 15};
  if (scalabilityMode !== '-') encoding.scalabilityMode = scalabilityMode;
  const transceiver = pc.addTransceiver(stream.getVideoTracks()[0],
    {direction: 'sendonly', sendEncodings: [encoding]});
  const known = RTCRtpSender.getCapabilities('video').codecs;
  transceiver.setCodecPreferences(known.filter((one) => one.mimeType === `video/${codec}`));
  await pc.setLocalDescription();
  window.pc = pc;
  await new Promise((done) => { pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done(); });
  return pc.localDescription.sdp;
}"""


def format_of(offer: str, codec: str) -> tuple[str, str]:
    """The first payload type of the codec, and its fmtp line with a high bitrate from the start."""
    payload_type = re.search(rf"a=rtpmap:(\d+) {codec}/90000", offer)
    assert payload_type, offer
    fmtp = re.search(rf"a=fmtp:{payload_type[1]} (.*?)\r?\n", offer)
    parameters = (fmtp[1] + ";" if fmtp else "") + "x-google-start-bitrate=1500"
    return payload_type[1], f"a=fmtp:{payload_type[1]} {parameters}\r\n"


def disguised(offer: str) -> str:
    """The offer with VP8 as its only codec."""
    lines = [line for line in offer.splitlines() if not re.match("a=(rtpmap|fmtp|rtcp-fb):", line)]
    at = next(n for n, line in enumerate(lines) if line.startswith("m=video"))
    lines[at] = " ".join([*lines[at].split()[:3], SHOWN])
    return "\r\n".join([*lines, f"a=rtpmap:{SHOWN} VP8/90000", f"a=rtcp-fb:{SHOWN} nack pli"]) + "\r\n"


def corrected(answer: str, offer: str, codec: str, described: bool) -> str:
    """The answer with the codec's real name and number, with AV1 the dependency descriptor accepted."""
    payload_type, fmtp = format_of(offer, codec)
    text = re.sub(rf"(a=rtpmap:){SHOWN} VP8(/90000\r\n)", rf"\g<1>{payload_type} {codec}\g<2>{fmtp}", answer)
    text = re.sub(rf"(m=video.*) {SHOWN}\r", rf"\g<1> {payload_type}\r", text)
    text = text.replace(f"a=rtcp-fb:{SHOWN} ", f"a=rtcp-fb:{payload_type} ")
    number = extension_id(offer) if described else 0
    return text + (f"a=extmap:{number} {DEPENDENCY_DESCRIPTOR}\r\na=extmap-allow-mixed\r\n" if number else "")


def extension_id(offer: str) -> int:
    """Chromium's number for the dependency descriptor; 0 where it has none for the codec."""
    number = re.search(rf"a=extmap:(\d+) {re.escape(DEPENDENCY_DESCRIPTOR)}", offer)
    return int(number[1]) if number else 0


def shortened(data: bytes) -> bytes:
    """The packet with its payload's tail zeroed."""
    start = RtpPacket.parse(data).payload_start + KEPT_PAYLOAD
    return data[:start] + bytes(max(0, len(data) - start))


async def capture(codec: str, mode: str, width: int, height: int, described: bool) -> tuple[int, list[bytes]]:
    """The extension's id, and packets with at least two keyframes asked for in between."""
    packets: list[bytes] = []
    enough = asyncio.Event()

    async def keep(self: RTCDtlsTransport, data: bytes, arrival_time_ms: int) -> None:
        packet = RtpPacket.parse(data)
        if packet.payload_start < packet.payload_end:
            packets.append(shortened(data))
        if len(packets) >= PACKETS:
            enough.set()

    RTCDtlsTransport._handle_rtp_data = keep  # type: ignore[method-assign]
    async with chromium_page() as page:
        offer = await page.evaluate(PUBLISH, [codec, mode, width, height])
        pc = RTCPeerConnection()
        await pc.setRemoteDescription(RTCSessionDescription(disguised(offer), "offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        answer = corrected(pc.localDescription.sdp, offer, codec, described)
        await page.evaluate("sdp => pc.setRemoteDescription({type: 'answer', sdp})", answer)
        transport = pc.getReceivers()[0].transport
        while not enough.is_set():
            await asyncio.sleep(KEYFRAME_EVERY_S)
            if packets:
                ssrc = RtpPacket.parse(packets[0]).ssrc
                await transport._send_rtp(bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=ssrc)))
        await pc.close()
    return extension_id(offer), packets[:PACKETS]


async def main(codec: str, mode: str, width: str, height: str, file: str, described: str = "") -> None:
    """Capture and save."""
    number, packets = await capture(codec, mode, int(width), int(height), bool(described))
    save(Path(file), number, packets)
    print(f"{file}: {len(packets)} packets")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
