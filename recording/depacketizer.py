"""RTP packets in order → whole frames, as the container wants them. Nothing is decoded.

What cannot be a frame is refused here, from its headers, so that no player and no later decoder meets it.
"""

from dataclasses import dataclass
from typing import Final

from sfu.codecs import opus, vp8
from sfu.errors import ParseError
from sfu.rtp import RtpPacket

# Larger than any camera or screen we serve, upright or lying. A keyframe of 1.2 kB that claims 16383x16383
# makes libvpx take 827 MB when the recording is played or composed.
MAX_SIDE: Final = 4096
MAX_PIXELS: Final = 4096 * 2560
# A frame whose last packet never comes must not eat memory. MAX_PIXELS at the coarsest are far below.
MAX_FRAME_BYTES: Final = 8_000_000
SAMPLES_PER_MS: Final = 48
_KEYFRAME_HEADER: Final = 10
_INTERFRAME_HEADER: Final = 3
_LAST_PROFILE: Final = 3


class UnfinishedPicture(ParseError):
    """The publisher broke a picture off, as an encoder that is set up anew does; the packet begins another."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture, or one packet of sound. `duration_ms` is 0 for a picture, whose end is the next one."""

    timestamp: int
    arrival_ns: int
    data: bytes
    keyframe: bool
    width: int = 0
    height: int = 0
    duration_ms: float = 0.0


class OpusDepacketizer:
    """One packet is one frame (RFC 7587, 4.2)."""

    def push(self, packet: RtpPacket, arrival_ns: int) -> Frame | None:
        """The packet's sound; None for padding. Raises ParseError when a decoder would refuse it."""
        payload = packet.data[packet.payload_start : packet.payload_end]
        if not payload:
            return None
        samples = opus.duration_samples(payload)
        if not _opus_is_whole(payload):
            raise ParseError("Opus packet is shorter than its frames")
        return Frame(packet.timestamp, arrival_ns, payload, True, duration_ms=samples / SAMPLES_PER_MS)

    def lose(self) -> None:
        """Packets before the next one are lost: nothing to do, each packet stands for itself."""


def _opus_is_whole(payload: bytes) -> bool:
    """Whether the frames of a packet fit into it (RFC 6716, 3.2 and 3.4)."""
    code, length = payload[0] & 3, len(payload)
    if code == 1:
        return length % 2 == 1
    if code == 2:
        return _second_frame_fits(payload)
    return code == 0 or _many_frames_fit(payload)


def _second_frame_fits(payload: bytes) -> bool:
    size, at = _opus_length(payload, 1)
    return at > 0 and at + size <= len(payload)


def _many_frames_fit(payload: bytes) -> bool:
    flags, count = payload[1], payload[1] & 0x3F
    at, end = 2, len(payload)
    if flags & 0x40:
        at, padding = _opus_padding(payload)
        end -= padding
    if not flags & 0x80:
        return at <= end and (end - at) % count == 0
    total = 0
    for _ in range(count - 1):
        size, at = _opus_length(payload, at)
        if at == 0:
            return False
        total += size
    return at + total <= end


def _opus_padding(payload: bytes) -> tuple[int, int]:
    at, padding = 2, 0
    while at < len(payload):
        value = payload[at]
        at += 1
        padding += 254 if value == 255 else value
        if value != 255:
            break
    return at, padding


def _opus_length(payload: bytes, at: int) -> tuple[int, int]:
    """A frame's length and the place behind it (RFC 6716, 3.2.1); place 0 when it is cut off."""
    if at >= len(payload):
        return 0, 0
    first = payload[at]
    if first < 252:
        return first, at + 1
    if at + 1 >= len(payload):
        return 0, 0
    return first + 4 * payload[at + 1], at + 2


class Vp8Depacketizer:
    """Collect a picture's packets from the start of its first partition to the marker (RFC 7741, 4.3)."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._timestamp = 0
        self._keyframe = False
        self._width = self._height = 0

    def push(self, packet: RtpPacket, arrival_ns: int) -> Frame | None:
        """The picture that this packet ends, None while one is incomplete.

        Raises ParseError when the packet or its picture is broken; everything up to the next keyframe that
        builds on it is then useless. After UnfinishedPicture the packet itself may be pushed again.
        """
        start, end = packet.payload_start, packet.payload_end
        if start == end:
            return None
        try:
            return self._push(packet, arrival_ns, start, end)
        except ParseError:
            self.lose()
            raise

    def lose(self) -> None:
        """Packets before the next one are lost: what was collected can never be whole."""
        self._pieces.clear()
        self._size = 0

    def _push(self, packet: RtpPacket, arrival_ns: int, start: int, end: int) -> Frame | None:
        descriptor = vp8.parse_descriptor(packet.data, start, end)
        if descriptor.start_of_frame:
            self._begin(packet.timestamp, descriptor)
        elif not self._pieces or packet.timestamp != self._timestamp:
            raise ParseError("VP8 packet belongs to no picture")
        self._pieces.append(packet.data[start + descriptor.length : end])
        self._size += end - start
        if self._size > MAX_FRAME_BYTES:
            raise ParseError("VP8 picture is too large")
        return self._finish(arrival_ns) if packet.marker else None

    def _begin(self, timestamp: int, descriptor: vp8.Vp8Descriptor) -> None:
        if self._pieces:
            raise UnfinishedPicture("VP8 picture has no end")
        if descriptor.keyframe:
            _check_size(descriptor.width, descriptor.height)
            self._width, self._height = descriptor.width, descriptor.height
        self._timestamp, self._keyframe = timestamp, descriptor.keyframe

    def _finish(self, arrival_ns: int) -> Frame:
        data = b"".join(self._pieces)
        self.lose()
        _check_partition(data, _KEYFRAME_HEADER if self._keyframe else _INTERFRAME_HEADER)
        return Frame(self._timestamp, arrival_ns, data, self._keyframe, self._width, self._height)


def _check_size(width: int, height: int) -> None:
    if not (min(width, height) > 0 and max(width, height) <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise ParseError(f"VP8 keyframe of {width}x{height} pixels")


def _check_partition(data: bytes, header: int) -> None:
    """The frame tag (RFC 6386, 9.1) names a known profile and a first partition within the picture."""
    if len(data) < header:
        raise ParseError("VP8 picture is shorter than its header")
    if data[0] >> 1 & 0x07 > _LAST_PROFILE:
        raise ParseError("VP8 picture of an unknown profile")
    first_partition = int.from_bytes(data[:3], "little") >> 5
    if first_partition > len(data) - header:
        raise ParseError("VP8 picture is shorter than its first partition")
