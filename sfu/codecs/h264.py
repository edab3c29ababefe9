"""H.264 in RTP (RFC 6184): single NAL units, STAP-A and FU-A, which is all of packetisation modes 0 and 1."""

from collections.abc import Iterator
from struct import Struct

from sfu.codecs.descriptor import EVERY_TEMPORAL_LAYER, Descriptor
from sfu.codecs.h264_parameters import read_size
from sfu.codecs.remembered import Remembered
from sfu.errors import ParseError
from sfu.rtp import RtpPacket

_length = Struct("!H").unpack_from
_SLICE, _PARTITION_A, _IDR, _SEI, _PARAMETERS, _DELIMITER = 1, 2, 5, 6, 7, 9
_LAST_SINGLE, _STAP_A, _FU_A = 23, 24, 28
# Encoders send one. Each costs up to 150 microseconds to read, and a packet has room for a hundred.
_MOST_PARAMETER_SETS = 4

NalUnit = tuple[int, int, int]
"""Type, and where what follows the NAL unit's header begins and ends."""


class H264Reader:
    """Reads one stream, and knows by timestamps what has begun. H.264 tells no layers and has no numbers.

    A keyframe starts where its access unit's first parameter set (SPS) is, or its first IDR slice if none came
    before. Should that SPS come after all, late, its packet is said to start the keyframe too: only from there
    can a newcomer decode.
    """

    __slots__ = ("_begun", "_idr_begun", "_parameters_begun", "_sizes")

    def __init__(self) -> None:
        self._sizes = Remembered(_largest)
        self._begun: int | None = None
        self._idr_begun: int | None = None
        self._parameters_begun: int | None = None

    def __call__(self, packet: RtpPacket) -> Descriptor:
        """Raises ParseError, also for the packet types of interleaved mode, which is never agreed on."""
        self._sizes.count_packet()
        data, start, end = packet.data, packet.payload_start, packet.payload_end
        if start >= end:
            raise ParseError("H.264 payload is empty")
        descriptor = Descriptor()
        kind = data[start] & 0x1F
        if kind == _FU_A:
            if end - start < 3:
                raise ParseError("H.264 fragment is empty")
            descriptor.length = 2
            if data[start + 1] & 0x80:
                self._read(descriptor, packet, [(data[start + 1] & 0x1F, start + 2, end)])
        elif kind == _STAP_A:
            descriptor.length = 1
            self._read(descriptor, packet, list(_aggregated(data, start + 1, end)))
        elif 0 < kind <= _LAST_SINGLE:
            self._read(descriptor, packet, [(kind, start + 1, end)])
        else:
            raise ParseError("H.264 packet type is not of packetisation mode 0 or 1")
        return descriptor

    def _read(self, descriptor: Descriptor, packet: RtpPacket, units: list[NalUnit]) -> None:
        timestamp = packet.timestamp
        if timestamp != self._begun and _starts_picture(packet.data, units[0]):
            self._begun = timestamp
            descriptor.start_of_frame = True
        kinds = [kind for kind, _, _ in units]
        if _PARAMETERS in kinds:
            sets = [packet.data[start:end] for kind, start, end in units if kind == _PARAMETERS]
            descriptor.sizes = (self._sizes.read(sets),)
            self._begin_keyframe(descriptor, self._parameters_begun != timestamp)
            self._parameters_begun = timestamp
        elif _IDR in kinds:
            self._begin_keyframe(descriptor, timestamp not in (self._parameters_begun, self._idr_begun))
            self._idr_begun = timestamp

    @staticmethod
    def _begin_keyframe(descriptor: Descriptor, is_first: bool) -> None:
        if is_first:
            descriptor.keyframe = True
            descriptor.up_to = EVERY_TEMPORAL_LAYER


def _aggregated(data: bytes, at: int, end: int) -> Iterator[NalUnit]:
    if at == end:
        raise ParseError("H.264 aggregation is empty")
    while at < end:
        if at + 3 > end:
            raise ParseError("H.264 aggregation is cut off")
        stop = at + 2 + _length(data, at)[0]
        if not at + 2 < stop <= end:
            raise ParseError("H.264 aggregated unit is empty or longer than its packet")
        yield data[at + 2] & 0x1F, at + 3, stop
        at = stop


def _starts_picture(data: bytes, unit: NalUnit) -> bool:
    kind, start, end = unit
    if kind in (_SLICE, _PARTITION_A, _IDR):
        # first_mb_in_slice is 0, whose Exp-Golomb code is a single one.
        return start < end and data[start] > 0x7F
    return _SEI <= kind <= _DELIMITER


def _largest(parameter_sets: list[bytes]) -> tuple[int, int]:
    if len(parameter_sets) > _MOST_PARAMETER_SETS:
        raise ParseError("H.264 packet has too many parameter sets")
    sizes = [read_size(one) for one in parameter_sets]
    return max(width for width, _ in sizes), max(height for _, height in sizes)
