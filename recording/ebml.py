"""The few elements of a WebM file that we write ourselves (RFC 8794, RFC 9559)."""

import struct
from typing import BinaryIO, Final

TIMESTAMP_SCALE_NS: Final = 1_000_000
OPUS_RATE: Final = 48_000
# The muxer writes the duration as an eight-byte float near the start of the header.
_DURATION: Final = b"\x44\x89\x88"
_HEADER_BYTES: Final = 1024


def element(identifier: str, payload: bytes) -> bytes:
    """One element: its id in hexadecimal, its length in eight bytes, its payload."""
    return bytes.fromhex(identifier) + struct.pack(">Q", len(payload) | 1 << 56) + payload


def number(identifier: str, value: int) -> bytes:
    """An unsigned integer element of the least width."""
    return element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def opus_head() -> bytes:
    """The codec's private data (RFC 7845, 5.1), without pre-skip: we begin in the middle of a stream."""
    return b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, OPUS_RATE, 0, 0)


def opus_template() -> bytes:
    """An empty WebM with one Opus track, for the muxer to take its stream parameters from."""
    audio = element("b5", struct.pack(">d", float(OPUS_RATE))) + number("9f", 2)
    return _file(
        number("83", 2) + element("86", b"A_OPUS") + element("63a2", opus_head()) + element("e1", audio)
    )


def vp8_template(width: int, height: int) -> bytes:
    """An empty WebM with one VP8 track of this size in pixels."""
    video = number("b0", width) + number("ba", height)
    return _file(number("83", 1) + element("86", b"V_VP8") + element("e0", video))


def _file(track: bytes) -> bytes:
    entry = element("ae", number("d7", 1) + number("73c5", 1) + track)
    info = element("1549a966", number("2ad7b1", TIMESTAMP_SCALE_NS))
    # Readers look for a cluster before they believe that the header is complete.
    segment = info + element("1654ae6b", entry) + element("1f43b675", number("e7", 0))
    return element("1a45dfa3", element("4282", b"webm")) + element("18538067", segment)


def put_duration(file: BinaryIO, duration_ms: int) -> bool:
    """Overwrite the duration in a finished file's header; False when the header has none.

    The muxer ends a file with its last packet. A picture stays on the screen until its track ends, so
    a file has to last as long, or a player would stop it early.
    """
    file.seek(0)
    at = file.read(_HEADER_BYTES).find(_DURATION)
    if at < 0:
        return False
    file.seek(at + len(_DURATION))
    file.write(struct.pack(">d", float(duration_ms)))
    return True
