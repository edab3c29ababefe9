"""A packet of a publication as all its subscribers share it."""

from collections.abc import Sequence
from typing import Final

from sfu.codecs.descriptor import Descriptor
from sfu.rtp import RtpPacket

# A system call costs about 2.5 µs, as long as 100 bytes take on a link of 300 Mbit/s.
MOST_PADDING: Final = 100


class MediaPacket:
    """Payload and numbers, without a header: each copy gets one of its own.

    `payload` ends with `padding` bytes of padding. `sequence` does not wrap and has no gap where a packet was
    dropped on purpose; in a view of some layers it is the view's, and `stream_sequence` the stream's.
    `picture_shift` is what a view adds to the picture id. `level` is the byte of RFC 6464. `original` is the
    packet as it came, in the publisher's numbering, while the batch is being forwarded.
    """

    __slots__ = (
        "arrival",
        "descriptor",
        "keyframe",
        "level",
        "marker",
        "original",
        "padding",
        "payload",
        "picture_shift",
        "sequence",
        "stream_sequence",
        "timestamp",
    )

    original: bytes | None
    level: int | None
    descriptor: Descriptor | None

    def __init__(
        self, packet: RtpPacket, sequence: int, descriptor: Descriptor | None, arrival: float
    ) -> None:
        self.payload = packet.data[packet.payload_start : packet.payload_end]
        self.padding = 0
        self.marker = 0x80 if packet.marker else 0
        self.sequence = self.stream_sequence = sequence
        self.timestamp = packet.timestamp
        self.descriptor = descriptor
        self.keyframe = descriptor is not None and descriptor.keyframe
        self.picture_shift = 0
        self.level = None
        self.original = packet.data
        self.arrival = arrival

    @property
    def octets(self) -> int:
        """Of the payload alone, as sender reports count it (RFC 3550, 6.4.1)."""
        return len(self.payload) - self.padding

    def pad(self, length: int) -> None:
        """Lengthen the payload to `length` bytes, once; at most 255 more (RFC 3550, 5.1)."""
        missing = length - len(self.payload)
        if missing > 0:
            self.padding = missing
            self.payload += bytes(missing - 1) + bytes((missing,))

    def renumbered(self, sequence: int, picture_shift: int, marker: int) -> "MediaPacket":
        """The same payload in the numbering of a view."""
        other = self._bare_copy(sequence, marker)
        other.payload, other.padding = self.payload, self.padding
        other.descriptor, other.keyframe = self.descriptor, self.keyframe
        other.picture_shift, other.level = picture_shift, self.level
        return other

    def emptied(self, sequence: int) -> "MediaPacket":
        """Padding alone: it fills a number that nobody may wait for."""
        other = self._bare_copy(sequence, 0)
        other.payload, other.padding = b"\x01", 1
        other.descriptor, other.keyframe = None, False
        other.picture_shift, other.level = 0, None
        return other

    def with_payload(self, payload: bytes) -> "MediaPacket":
        """The same moment with another payload, in the same numbering."""
        other = self.renumbered(self.sequence, 0, self.marker)
        other.payload, other.padding = payload, 0
        return other

    def _bare_copy(self, sequence: int, marker: int) -> "MediaPacket":
        other = MediaPacket.__new__(MediaPacket)
        other.marker, other.sequence, other.stream_sequence = marker, sequence, self.stream_sequence
        other.timestamp, other.arrival, other.original = self.timestamp, self.arrival, None
        return other


def align(packets: Sequence[MediaPacket]) -> None:
    """Pad neighbours to one length where it is cheap. Once: who gets a packet again gets the same bytes."""
    start = 0
    while start < len(packets):
        end, longest = _alike(packets, start)
        # The last of a run may be shorter.
        for packet in packets[start : end - 1]:
            packet.pad(longest)
        start = end


def _alike(packets: Sequence[MediaPacket], start: int) -> tuple[int, int]:
    """Where the run of nearly equal packets ends that begins at `start`, and its greatest length."""
    low = high = len(packets[start].payload)
    for at in range(start + 1, len(packets)):
        length = len(packets[at].payload)
        if max(high, length) - min(low, length) > MOST_PADDING:
            return at, high
        low, high = min(low, length), max(high, length)
    return len(packets), high
