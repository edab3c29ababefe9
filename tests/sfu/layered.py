"""VP8 in three temporal layers, as browsers make it: pictures 0 2 1 2, the first of a layer after T0 in sync."""

from collections.abc import Iterator

from sfu.rtp import RtpPacket
from tests.sfu.packets import KEYFRAME, rtp_header

PATTERN = (0, 2, 1, 2)


def packet(
    sequence: int, picture: int, ssrc: int, part: int = 0, parts: int = 1, key: bool = False
) -> RtpPacket:
    """Part of the picture with this number; every fourth is of the base layer."""
    temporal = 0 if key else PATTERN[picture % 4]
    # Y: T1, and the T2 right after T0, are predicted from T0 alone.
    sync = temporal == 1 or picture % 4 == 1
    head = rtp_header(sequence, picture * 3000, ssrc, marker=part == parts - 1)
    descriptor = bytes((0x90 if part == 0 else 0x80, 0xE0)) + (0x8000 | picture & 0x7FFF).to_bytes(2, "big")
    descriptor += bytes((picture // 4 & 0xFF, temporal << 6 | sync << 5))
    start = (KEYFRAME if key else b"\x11\x00\x00") if part == 0 else b""
    return RtpPacket.parse((head + descriptor + start).ljust(200, b"\x55"))


def stream(ssrc: int, first: int = 0, parts: int = 1) -> Iterator[RtpPacket]:
    """An endless stream that begins with a keyframe."""
    sequence, picture = first, 0
    while True:
        for part in range(parts):
            yield packet(sequence, picture, ssrc, part, parts, key=picture == 0)
            sequence += 1
        picture += 1
