"""Redundant audio (RFC 2198): earlier frames again in front of the newest, which is what others need of it."""

from dataclasses import dataclass
from struct import Struct

from sfu.errors import ParseError

_block_header = Struct("!I").unpack_from
# Browsers send one or two; each is a frame earlier.
_MOST_REDUNDANT = 32


@dataclass(frozen=True, slots=True)
class Block:
    """One frame. It is `timestamp_offset` ticks older than the packet's timestamp."""

    payload_type: int
    timestamp_offset: int
    payload: bytes


def split(payload: bytes) -> list[Block]:
    """All blocks, the oldest first, the primary last with offset 0. Raises ParseError."""
    headers, payload_type, at = _read_headers(payload)
    blocks = []
    for number, offset, length in headers:
        blocks.append(Block(number, offset, payload[at : at + length]))
        at += length
    blocks.append(Block(payload_type, 0, payload[at:]))
    return blocks


def primary(payload: bytes) -> tuple[int, bytes]:
    """Payload type and payload of the newest frame: the packet for a receiver without RED. Raises ParseError."""
    headers, payload_type, at = _read_headers(payload)
    return payload_type, payload[at + sum(length for _, _, length in headers) :]


def _read_headers(payload: bytes) -> tuple[list[tuple[int, int, int]], int, int]:
    """(payload type, offset, length) of the redundant blocks, the primary's payload type, where blocks begin."""
    headers: list[tuple[int, int, int]] = []
    at, end = 0, len(payload)
    while at < end and payload[at] & 0x80:
        if at + 4 > end or len(headers) == _MOST_REDUNDANT:
            raise ParseError("RED header is cut off or has too many blocks")
        (header,) = _block_header(payload, at)
        headers.append((header >> 24 & 0x7F, header >> 10 & 0x3FFF, header & 0x3FF))
        at += 4
    if at + 1 + sum(length for _, _, length in headers) > end:
        raise ParseError("RED blocks are longer than the packet")
    return headers, payload[at], at + 1
