"""Redundant audio (RFC 2198): out of a packet comes its own sound, and that of earlier packets which were lost."""

from sfu.codecs import red
from sfu.rtp import RtpPacket


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
