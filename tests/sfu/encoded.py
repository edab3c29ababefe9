"""Real bitstreams from the encoders in PyAV, and the little of each payload format that tests need to send them."""

from collections.abc import Iterator
from fractions import Fraction
from struct import Struct
from typing import Any

import av

from sfu.rtp import RtpPacket

MTU = 1_100
_header = Struct("!BBHII").pack


def encode(codec: str, width: int, height: int, frames: int = 2, **settings: Any) -> list[bytes]:
    """Encoded frames of a picture that does not move, the first a keyframe. Settings: `format`, options."""
    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = settings.pop("format", "yuv420p")
    encoder.time_base = Fraction(1, 30)
    encoder.options = {name: str(value) for name, value in settings.items()}
    packets = []
    for number in range(frames):
        frame = av.VideoFrame(width, height, encoder.pix_fmt)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


def packet(payload: bytes, timestamp: int = 0, sequence: int = 0, marker: bool = False) -> RtpPacket:
    """The payload in an RTP packet."""
    return RtpPacket.parse(_header(0x80, 96 | marker << 7, sequence, timestamp, 1) + payload)


def nal_units(annex_b: bytes) -> list[bytes]:
    """What lies between the start codes of an H.264 byte stream."""
    return [unit for unit in annex_b.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]


def stap_a(*units: bytes) -> bytes:
    """Several NAL units in one payload."""
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def fu_a(unit: bytes, mtu: int = MTU) -> Iterator[bytes]:
    """One NAL unit in several payloads."""
    body = unit[1:]
    for at in range(0, len(body), mtu):
        flags = (0x80 if at == 0 else 0) | (0x40 if at + mtu >= len(body) else 0)
        yield bytes((unit[0] & 0xE0 | 28, flags | unit[0] & 0x1F)) + body[at : at + mtu]


def obus(temporal_unit: bytes) -> list[bytes]:
    """The OBUs of an AV1 low-overhead stream without their sizes, and without temporal delimiters."""
    found, at = [], 0
    while at < len(temporal_unit):
        head = temporal_unit[at]
        assert head & 0x06 == 0x02, "an OBU without extension, with its size"
        at += 1
        length = shift = 0
        while True:
            byte = temporal_unit[at]
            length |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                break
        if head >> 3 != 2:
            found.append(bytes((head & 0xFD,)) + temporal_unit[at : at + length])
        at += length
    return found
