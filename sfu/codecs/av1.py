"""AV1 in RTP (AV1 RTP payload specification 1.0): the aggregation header, and the dependency descriptor beside it.

Layers are only in the header extension; a stream that did not agree on it is one layer, whose keyframes and size
are still seen.
"""

from sfu.codecs.bits import BitReader
from sfu.codecs.dependency import DependencyReader
from sfu.codecs.descriptor import EVERY_TEMPORAL_LAYER, Descriptor
from sfu.errors import ParseError
from sfu.rtp import RtpPacket

_SEQUENCE_HEADER = 1
# A packet is one layer's part of a picture: headers, metadata, tile groups.
_MOST_OBUS = 32
# A sequence begins once; each of its headers costs some microseconds to read.
_MOST_SEQUENCE_HEADERS = 2
# A size of more than 2 MiB would need a fourth byte; no packet is that long.
_MOST_LENGTH_BYTES = 3
# Where the size stands at the latest in a sequence header: behind 32 operating points of up to 104 bits.
_LONGEST_SEQUENCE_HEADER = 448


class Av1Reader:
    """Reads one stream; `extension_id` is the dependency descriptor's, None where it was not agreed on."""

    __slots__ = ("_dependencies", "_extension_id", "_timestamp")

    def __init__(self, extension_id: int | None) -> None:
        self._extension_id = extension_id
        self._dependencies = DependencyReader()
        self._timestamp: int | None = None

    def __call__(self, packet: RtpPacket) -> Descriptor:
        """Raises ParseError."""
        data, start, end = packet.data, packet.payload_start, packet.payload_end
        if start + 1 >= end:
            raise ParseError("AV1 payload is empty")
        aggregation = data[start]
        descriptor = Descriptor()
        descriptor.length = 1
        extension = None if self._extension_id is None else packet.extension(self._extension_id)
        if extension is None:
            descriptor.start_of_frame = aggregation < 0x80 and packet.timestamp != self._timestamp
            self._timestamp = packet.timestamp
        else:
            self._dependencies.read(extension).fill(descriptor)
        if aggregation & 0x08:
            _begin_sequence(descriptor, aggregation)
        size = _find_size(data, start, end, aggregation)
        if size is not None:
            _widen(descriptor, size)
        return descriptor


def _begin_sequence(descriptor: Descriptor, aggregation: int) -> None:
    if aggregation & 0x80:
        raise ParseError("AV1 sequence begins with the rest of an OBU")
    descriptor.keyframe = descriptor.start_of_frame = True
    descriptor.up_from, descriptor.up_to = 0, EVERY_TEMPORAL_LAYER


def _widen(descriptor: Descriptor, size: tuple[int, int]) -> None:
    # The extension is only a claim about the picture; the sequence header is what decoders believe.
    if size[0] > descriptor.width or size[1] > descriptor.height:
        descriptor.sizes = (*descriptor.sizes[:-1], size)


def _find_size(data: bytes, start: int, end: int, aggregation: int) -> tuple[int, int] | None:
    """The size in a sequence header, if one begins in this packet."""
    if aggregation & 0xB0 == 0x90:  # nothing but the rest of an OBU, as most packets of a large frame
        return None
    at, found, headers = start + 1, None, 0
    elements = aggregation >> 4 & 0x03
    for number in range(1, _MOST_OBUS + 1):
        stop = end
        if number != elements:
            at, stop = _read_length(data, at, end)
        is_rest = number == 1 and aggregation & 0x80
        if at < stop and data[at] >> 3 & 0x0F == _SEQUENCE_HEADER and not is_rest:
            headers += 1
            if headers > _MOST_SEQUENCE_HEADERS:
                raise ParseError("AV1 packet has too many sequence headers")
            found = _read_sequence_header(data, at, stop)
        if stop == end:
            return found
        at = stop
    raise ParseError("AV1 packet has too many OBUs")


def _read_length(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the OBU whose leb128 length stands at `at` begins and ends."""
    length = 0
    for place in range(at, min(at + _MOST_LENGTH_BYTES, end)):
        length |= (data[place] & 0x7F) << 7 * (place - at)
        if data[place] < 0x80:
            if place + 1 + length > end:
                break
            return place + 1, place + 1 + length
    raise ParseError("AV1 OBU is longer than its packet")


def _read_sequence_header(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The largest frame of a sequence (AV1 specification, 5.5.1); `at` is its OBU header."""
    flags = data[at]
    at += 2 if flags & 0x04 else 1
    if flags & 0x02:
        at, end = _read_length(data, at, end)
    bits = BitReader(data[at : min(end, at + _LONGEST_SEQUENCE_HEADER)])
    bits.skip(4)  # seq_profile, still_picture
    if bits.read(1):
        bits.skip(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    return bits.read(width_bits) + 1, bits.read(height_bits) + 1


def _skip_operating_points(bits: BitReader) -> None:
    delay_bits = 0
    has_decoder_model = False
    if bits.read(1):  # timing_info_present_flag
        bits.skip(64)
        if bits.read(1):  # equal_picture_interval
            bits.exp_golomb()
        has_decoder_model = bool(bits.read(1))
        if has_decoder_model:
            delay_bits = bits.read(5) + 1
            bits.skip(32 + 5 + 5)
    has_display_delay = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.skip(12)
        if bits.read(5) > 7:
            bits.skip(1)
        if has_decoder_model and bits.read(1):
            bits.skip(2 * delay_bits + 1)
        if has_display_delay and bits.read(1):
            bits.skip(4)
