"""Redundant audio (RFC 2198): a packet carries its own sound and that of earlier packets, should they be lost."""

from collections.abc import Sequence
from struct import Struct
from typing import Final

from sfu.codecs import red
from sfu.packet import MediaPacket
from sfu.rtp import RtpPacket

# How many earlier packets can be carried: of three lost in a row one is still heard.
MOST_DEPTH: Final = 2
# The fields of a block's header: 14 bits of ticks, 10 bits of length.
_LONGEST_OFFSET, _LONGEST_BLOCK = (1 << 14) - 1, (1 << 10) - 1
_block_header = Struct("!I").pack


def unpack(packet: RtpPacket) -> list[RtpPacket]:
    """The packets it carries as if each had come alone, the oldest first and its own last. Raises ParseError.

    Each block before the last is the payload of the packet so many numbers earlier, as browsers make them. Only
    the last keeps the header extension.
    """
    *earlier, own = red.split(packet.data[packet.payload_start : packet.payload_end])
    found = []
    for distance, block in zip(range(len(earlier), 0, -1), earlier, strict=True):
        if block.payload:
            number = (packet.sequence_number - distance) & 0xFFFF
            timestamp = packet.timestamp - block.timestamp_offset
            one = packet.rebuilt(
                block.payload_type, number, timestamp, packet.ssrc, block.payload, extended=False
            )
            found.append(one)
    last = packet.rebuilt(
        own.payload_type, packet.sequence_number, packet.timestamp, packet.ssrc, own.payload
    )
    return [*found, last]


def pack(packets: Sequence[MediaPacket], first: int, depth: int, payload_type: int) -> list[MediaPacket]:
    """The packets from the one at `first` on, each with up to `depth` of those before it, where they are known."""
    by_sequence = {packet.sequence: packet for packet in packets}
    return [
        packet.with_payload(_joined(packet, _before(packet, by_sequence, depth), payload_type))
        for packet in packets[first:]
    ]


def _before(packet: MediaPacket, known: dict[int, MediaPacket], depth: int) -> list[MediaPacket]:
    """Without a gap: a receiver takes each block for the packet one number earlier."""
    found: list[MediaPacket] = []
    for distance in range(1, depth + 1):
        one = known.get(packet.sequence - distance)
        if (
            one is None
            or not 0 < _offset(packet, one) <= _LONGEST_OFFSET
            or len(one.payload) > _LONGEST_BLOCK
        ):
            break
        found.insert(0, one)
    return found


def _offset(packet: MediaPacket, earlier: MediaPacket) -> int:
    return (packet.timestamp - earlier.timestamp) & 0xFFFFFFFF


def _joined(packet: MediaPacket, earlier: Sequence[MediaPacket], payload_type: int) -> bytes:
    headers = (
        _block_header(0x80000000 | payload_type << 24 | _offset(packet, one) << 10 | len(one.payload))
        for one in earlier
    )
    blocks = b"".join(one.payload for one in earlier)
    return b"".join(headers) + bytes((payload_type,)) + blocks + packet.payload
