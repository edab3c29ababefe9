"""Ready-made media: RTP that looks like an encoder's to whoever does not decode, with the time of sending in it."""

import secrets
import time
from collections.abc import Iterator, Mapping
from struct import Struct

from server.load.peer import AUDIO_LEVEL, MID, OPUS, VP8
from sfu.rtp import RtpPacket

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_WIDE_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"

# What stands behind a VP8 descriptor of 5 bytes and a keyframe's header of 10, at one place in every payload.
_STAMP_AT = 16
_STAMP = Struct("!4sQ")
_MAGIC = b"load"
_HEADER = Struct("!BBHII")
_NS_PER_S = 1_000_000_000
# RFC 6464: voice, at -30 dBov.
_VOICE = b"\x9e"
_OPUS_HEAD = b"\x78"


class HeaderExtension:
    """The header extension of one stream (RFC 8285, one-byte form): what stays, and two numbers that count."""

    def __init__(self, agreed: Mapping[str, int], fixed: Mapping[str, bytes]) -> None:
        elements = (_element(agreed[uri], value) for uri, value in fixed.items() if uri in agreed)
        self._fixed = b"".join(elements)
        self._send_time = agreed.get(ABS_SEND_TIME)
        self._transport_wide = agreed.get(TRANSPORT_WIDE_CC)

    def to_bytes(self, number: int, now_ns: int) -> bytes:
        """With the transport-wide sequence number and the time of sending; empty where nothing was agreed."""
        elements = self._fixed
        if self._transport_wide is not None:
            elements += _element(self._transport_wide, (number & 0xFFFF).to_bytes(2, "big"))
        if self._send_time is not None:
            fraction = (now_ns % (64 * _NS_PER_S) << 18) // _NS_PER_S
            elements += _element(self._send_time, fraction.to_bytes(3, "big"))
        if not elements:
            return b""
        elements += bytes(-len(elements) % 4)
        return b"\xbe\xde" + (len(elements) // 4).to_bytes(2, "big") + elements


def _element(identifier: int, value: bytes) -> bytes:
    return bytes((identifier << 4 | len(value) - 1,)) + value


class Stream:
    """One RTP stream and its numbers; `sent` counts."""

    def __init__(self, payload_type: int, length: int, extension: HeaderExtension, ssrc: int) -> None:
        self.ssrc = ssrc
        self.sent = self.octets = 0
        self.timestamp = 0
        self._payload_type = payload_type
        self._length = length
        self._extension = extension
        self._sequence = secrets.randbelow(1 << 15)

    def packet(self, head: bytes, marker: bool, number: int) -> bytes:
        """The next packet, stamped now; `head` begins its payload, `number` counts on the whole transport."""
        now_ns = time.monotonic_ns()
        extension = self._extension.to_bytes(number, now_ns)
        second = self._payload_type | (0x80 if marker else 0)
        header = _HEADER.pack(
            0x90 if extension else 0x80, second, self._sequence, self.timestamp & 0xFFFFFFFF, self.ssrc
        )
        self._sequence = self._sequence + 1 & 0xFFFF
        self.sent += 1
        self.octets += self._length - len(header)
        payload = head.ljust(_STAMP_AT, b"\x55") + _STAMP.pack(_MAGIC, now_ns)
        return (header + extension + payload).ljust(self._length, b"\x55")


class Audio:
    """Opus by its looks, with levels."""

    def __init__(self, agreed: Mapping[str, int], mid: str, ssrc: int, length: int, rate: int) -> None:
        extension = HeaderExtension(agreed, {MID: mid.encode(), AUDIO_LEVEL: _VOICE})
        self.stream = Stream(OPUS.payload_type, length, extension, ssrc)
        self._ticks = OPUS.clock_rate // rate

    def packet(self, number: int) -> bytes:
        """The next one."""
        self.stream.timestamp += self._ticks
        return self.stream.packet(_OPUS_HEAD, False, number)


class Video:
    """One VP8 encoding by its looks: picture ids, TL0PICIDX, and a keyframe whenever one is asked for."""

    def __init__(
        self, stream: Stream, parts: int, frame_rate: float, size: tuple[int, int], rid: str = ""
    ) -> None:
        self.stream = stream
        self.rid = rid
        self.active = True
        self.keyframe_wanted = True
        self.pace(parts, frame_rate)
        self._size = b"".join(side.to_bytes(2, "little") for side in size)
        self._picture = 0

    def pace(self, parts: int, frame_rate: float) -> None:
        """So many packets a frame and frames a second from now on."""
        self._parts = parts
        self._ticks = round(VP8.clock_rate / frame_rate)

    def frame(self, number: int) -> Iterator[bytes]:
        """The packets of the next frame, each made when it is asked for; they are counted on from `number`."""
        keyframe, self.keyframe_wanted = self.keyframe_wanted, False
        self._picture += 1
        self.stream.timestamp += self._ticks
        for part in range(self._parts):
            head = self._descriptor(part) + (self._frame_header(keyframe) if part == 0 else b"")
            yield self.stream.packet(head, part == self._parts - 1, number + part)

    def _descriptor(self, part: int) -> bytes:
        """RFC 7741, 4.2: a 15-bit picture id and TL0PICIDX."""
        picture = (0x8000 | self._picture & 0x7FFF).to_bytes(2, "big")
        return bytes((0x80 if part else 0x90, 0xC0)) + picture + bytes((self._picture & 0xFF,))

    def _frame_header(self, keyframe: bool) -> bytes:
        """RFC 6386, 9.1."""
        return b"\x10\x19\x00\x9d\x01\x2a" + self._size if keyframe else b"\x11\x00\x00"


def sent_at_ns(packet: bytes) -> int | None:
    """CLOCK_MONOTONIC at the sending of a decrypted packet; None where it is none of ours."""
    at = RtpPacket.parse(packet).payload_start + _STAMP_AT
    if len(packet) < at + _STAMP.size:
        return None
    magic, sent_ns = _STAMP.unpack_from(packet, at)
    return int(sent_ns) if magic == _MAGIC else None
