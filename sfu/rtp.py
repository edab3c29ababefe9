"""RTP as it lies in memory (RFC 3550, 5.1): where the fields are, without copying any of it."""

from struct import Struct
from typing import Final

from sfu.errors import ParseError

HEADER_LENGTH: Final = 12
ONE_BYTE_PROFILE: Final = 0xBEDE
# The low four bits of the two-byte profile are "appbits" and may have any value (RFC 8285, 4.3).
TWO_BYTE_PROFILE: Final = 0x1000

# The longest element has 255 bytes, the others together some sixty; looking through more only costs time.
_MOST_EXTENSION_BYTES: Final = 512

_header = Struct("!BBHII").unpack_from
_pack_header = Struct("!BBHII").pack
_extension_header = Struct("!HH").unpack_from


class RtpPacket:
    """One decrypted RTP packet: the bytes and the places of its parts.

    `data[payload_start:payload_end]` is the payload without padding; the header extension, if any, is
    `data[extension_start:extension_end]`, its own four-byte header excluded. Without one all three are 0.
    """

    __slots__ = (
        "_elements",
        "data",
        "extension_end",
        "extension_profile",
        "extension_start",
        "marker",
        "payload_end",
        "payload_start",
        "payload_type",
        "sequence_number",
        "ssrc",
        "timestamp",
    )

    data: bytes
    _elements: dict[int, bytes] | None
    ssrc: int
    sequence_number: int
    timestamp: int
    payload_type: int
    marker: bool
    payload_start: int
    payload_end: int
    extension_start: int
    extension_end: int
    extension_profile: int

    @classmethod
    def parse(cls, data: bytes) -> "RtpPacket":
        """Find the fields of `data`. Raises ParseError when a part lies outside the packet."""
        end = len(data)
        if end < HEADER_LENGTH:
            raise ParseError("RTP packet is shorter than its header")
        packet = cls()
        first, second, packet.sequence_number, packet.timestamp, packet.ssrc = _header(data)
        if first & 0xC0 != 0x80:
            raise ParseError("RTP version is not 2")
        packet.data = data
        packet._elements = None
        packet.marker = second > 0x7F
        packet.payload_type = second & 0x7F
        start = HEADER_LENGTH + 4 * (first & 0x0F)
        if first & 0x10:
            start = packet._find_extension(start, end)
        else:
            packet.extension_start = packet.extension_end = packet.extension_profile = 0
        if first & 0x20:
            end = _without_padding(data, end)
        if start > end:
            raise ParseError("RTP header or padding is longer than the packet")
        packet.payload_start = start
        packet.payload_end = end
        return packet

    def _find_extension(self, start: int, end: int) -> int:
        if start + 4 > end:
            raise ParseError("RTP header extension is cut off")
        self.extension_profile, words = _extension_header(self.data, start)
        self.extension_start = start + 4
        self.extension_end = start + 4 + 4 * words
        return self.extension_end

    def restored(self, payload_type: int, ssrc: int) -> "RtpPacket":
        """The original packet of this retransmission (RFC 4588, 4): its number lies before the payload.

        Raises ParseError when the payload is shorter than that number.
        """
        at = self.payload_start
        if self.payload_end - at < 2:
            raise ParseError("retransmission has no original sequence number")
        number = int.from_bytes(self.data[at : at + 2], "big")
        return self.rebuilt(payload_type, number, self.timestamp, ssrc, self.data[at + 2 : self.payload_end])

    def rebuilt(
        self, payload_type: int, number: int, timestamp: int, ssrc: int, payload: bytes, extended: bool = True
    ) -> "RtpPacket":
        """A packet with this payload, and the header extension of this one unless `extended` is false."""
        kept = extended and self.extension_start > 0
        extension = self.data[self.extension_start - 4 : self.extension_end] if kept else b""
        head = _pack_header(
            0x90 if kept else 0x80, self.marker << 7 | payload_type, number, timestamp & 0xFFFFFFFF, ssrc
        )
        return RtpPacket.parse(head + extension + payload)

    def extension(self, identifier: int) -> bytes | None:
        """The header extension element with this id (RFC 8285), None when absent or malformed."""
        if self._elements is None:
            self._elements = self._read_elements()
        return self._elements.get(identifier)

    def _read_elements(self) -> dict[int, bytes]:
        """All elements by their ids, up to the first malformed one; of several with one id the first."""
        if self.extension_profile == ONE_BYTE_PROFILE:
            return self._one_byte_elements()
        if self.extension_profile & 0xFFF0 == TWO_BYTE_PROFILE:
            return self._two_byte_elements()
        return {}

    def _elements_end(self) -> int:
        return min(self.extension_end, self.extension_start + _MOST_EXTENSION_BYTES)

    def _one_byte_elements(self) -> dict[int, bytes]:
        data, at, end = self.data, self.extension_start, self._elements_end()
        elements: dict[int, bytes] = {}
        while at < end:
            head = data[at]
            at += 1
            if head == 0:
                continue
            found, length = head >> 4, (head & 0x0F) + 1
            # Id 15, and id 0 with a length, end the whole extension (RFC 8285, 4.2).
            if found in (0, 15) or at + length > end:
                break
            elements.setdefault(found, data[at : at + length])
            at += length
        return elements

    def _two_byte_elements(self) -> dict[int, bytes]:
        data, at, end = self.data, self.extension_start, self._elements_end()
        elements: dict[int, bytes] = {}
        while at + 1 < end:
            found = data[at]
            if found == 0:
                at += 1
                continue
            length = data[at + 1]
            at += 2
            if at + length > end:
                break
            elements.setdefault(found, data[at : at + length])
            at += length
        return elements


def _without_padding(data: bytes, end: int) -> int:
    padding = data[-1]
    if padding == 0:
        raise ParseError("RTP padding has length 0")
    return end - padding


def is_rtcp(data: bytes | memoryview) -> bool:
    """Whether a packet on a port shared by RTP and RTCP is RTCP, by its second byte (RFC 5761, 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def timestamp_difference(a: int, b: int) -> int:
    """How far RTP timestamp `a` lies after `b`, in ticks, by the shorter way round 2**32."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class SequenceUnwrapper:
    """Turn 16-bit sequence numbers into integers that do not wrap.

    The first number keeps its value; one from before the first becomes smaller, possibly negative.
    """

    __slots__ = ("highest",)

    def __init__(self) -> None:
        self.highest: int | None = None

    def unwrap(self, sequence_number: int) -> int:
        """The number's place in the whole stream, taken as the one nearest to the highest so far."""
        highest = self.highest
        if highest is None:
            self.highest = sequence_number
            return sequence_number
        unwrapped = highest + ((sequence_number - highest + 0x8000) & 0xFFFF) - 0x8000
        if unwrapped > highest:
            self.highest = unwrapped
        return unwrapped
