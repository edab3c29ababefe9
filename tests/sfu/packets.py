"""Ready-made media: RTP that looks like an encoder's to whoever does not decode."""

from struct import Struct

_header = Struct("!BBHII").pack
# A VP8 descriptor with a 15-bit picture id, TL0PICIDX and no temporal layers; the start of a frame, or not.
_START, _CONTINUED = 0x90, 0x80
KEYFRAME = bytes.fromhex("1019009d012a80026801")
_INTERFRAME = b"\x11\x00\x00"


def rtp_header(sequence: int, timestamp: int, ssrc: int, marker: bool = False) -> bytes:
    """Of a video packet."""
    return _header(0x80, 96 | marker << 7, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)


def video_packet(
    sequence: int, timestamp: int, ssrc: int, picture: int, part: int, parts: int, length: int
) -> bytes:
    """Part of a VP8 frame; picture 0 is a keyframe of 640x360."""
    head = rtp_header(sequence, timestamp, ssrc, marker=part == parts - 1)
    flags = _START if part == 0 else _CONTINUED
    descriptor = (
        bytes((flags, 0xC0)) + (0x8000 | picture & 0x7FFF).to_bytes(2, "big") + bytes((picture & 0xFF,))
    )
    start = (KEYFRAME if picture == 0 else _INTERFRAME) if part == 0 else b""
    return (head + descriptor + start).ljust(length, b"\x55")


def audio_packet(sequence: int, timestamp: int, ssrc: int, length: int = 100) -> bytes:
    """20 ms of Opus, by its looks."""
    return (_header(0x80, 111, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + b"\x78").ljust(
        length, b"\x55"
    )
