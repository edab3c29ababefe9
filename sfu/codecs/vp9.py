"""The VP9 payload descriptor (RFC 9628, 4.2) and the size in the frame header behind it (VP9 specification, 6.2)."""

from struct import Struct

from sfu.codecs.bits import BitReader
from sfu.codecs.descriptor import EVERY_TEMPORAL_LAYER, NumberedDescriptor
from sfu.errors import ParseError
from sfu.rtp import RtpPacket

Size = tuple[int, int]

_size = Struct("!HH").unpack_from
_SYNC_CODE = 0x498342
_SRGB = 7
_SHOWS_EXISTING, _IS_INTERFRAME, _IS_SHOWN, _IS_ERROR_RESILIENT = 0x08, 0x04, 0x02, 0x01
# Where the size of a frame ends at the latest: an intra-only frame of profile 3.
_LONGEST_HEADER = 16
_MOST_REFERENCES = 3
_REFERENCES_PER_FRAME = 3


class Vp9Descriptor(NumberedDescriptor):
    """What the first bytes of a VP9 payload say.

    `frame_size` is what the frame's own header says, in its first packet and where it does not take the size of a
    reference; None elsewhere.
    """

    __slots__ = ("_tl0picidx_at", "frame_size")

    def __init__(self) -> None:
        super().__init__()
        self._tl0picidx_at = 0
        self.frame_size: Size | None = None

    def rewrite(
        self, buffer: bytearray | memoryview, at: int, picture_id_delta: int, tl0picidx_delta: int
    ) -> None:
        self.move_picture_id(buffer, at + 1, picture_id_delta)
        if self.tl0picidx is not None:
            buffer[at + self._tl0picidx_at] = (self.tl0picidx + tl0picidx_delta) & 0xFF

    def parse(self, data: bytes, start: int, end: int) -> None:
        """Read the descriptor of the payload `data[start:end]`, once. Raises ParseError."""
        first = data[start]
        at = start + 1
        try:
            if first & 0x80:
                at = self.read_picture_id(data, at)
            if first & 0x20:
                at = self._parse_layer(data, at, start, first)
            if first & 0x50 == 0x50:
                at = _skip_references(data, at)
            if first & 0x02:
                at = self._parse_structure(data, at, end)
        except IndexError:
            raise ParseError("VP9 descriptor is cut off") from None
        if at >= end:
            raise ParseError("VP9 descriptor has no payload behind it")
        self.length = at - start
        self.needed_above = not first & 0x01
        self.end_of_frame = bool(first & 0x04)
        if first & 0x08:
            self._parse_start(first, data[at : min(at + _LONGEST_HEADER, end)])

    def _parse_layer(self, data: bytes, at: int, start: int, first: int) -> int:
        layer = data[at]
        self.temporal_id = layer >> 5
        self.spatial_id = layer >> 1 & 0x07
        if layer & 0x10 and first & 0x08:
            self.up_from, self.up_to = self.temporal_id, EVERY_TEMPORAL_LAYER
        if first & 0x10:  # flexible mode has no TL0PICIDX
            return at + 1
        self.tl0picidx = data[at + 1]
        self._tl0picidx_at = at + 1 - start
        return at + 2

    def _parse_structure(self, data: bytes, at: int, end: int) -> int:
        flags = data[at]
        at += 1
        if flags & 0x10:
            layers_end = at + 4 * (1 + (flags >> 5))
            if layers_end > end:
                raise ParseError("VP9 scalability structure is cut off")
            self.sizes = tuple(_size(data, place) for place in range(at, layers_end, 4))
            at = layers_end
        return _skip_pictures(data, at) if flags & 0x08 else at

    def _parse_start(self, first: int, header: bytes) -> None:
        self.start_of_frame = True
        self.frame_size = _read_frame_size(header)
        if first & 0x40 or self.spatial_id:
            return
        self.keyframe = True
        self.up_from, self.up_to = 0, EVERY_TEMPORAL_LAYER
        if not self.sizes and self.frame_size is not None:
            self.sizes = (self.frame_size,)


def _skip_references(data: bytes, at: int) -> int:
    for place in range(at, at + _MOST_REFERENCES):
        if not data[place] & 0x01:
            return place + 1
    raise ParseError("VP9 descriptor has too many references")


def _skip_pictures(data: bytes, at: int) -> int:
    """Pass over the picture group: of each picture its layer and how far back its references lie."""
    count = data[at]
    at += 1
    for _ in range(count):
        at += 1 + (data[at] >> 2 & 0x03)
    return at


def parse_descriptor(data: bytes, start: int, end: int) -> Vp9Descriptor:
    """Read the descriptor of the payload `data[start:end]`. Raises ParseError when it is empty or cut off."""
    if not 0 <= start < end <= len(data):
        raise ParseError("VP9 payload is empty")
    descriptor = Vp9Descriptor()
    descriptor.parse(data, start, end)
    return descriptor


def _read_frame_size(header: bytes) -> Size | None:
    """The size in an uncompressed header; None where the frame shows or is as large as an earlier one."""
    bits = BitReader(header)
    head = bits.read(8)
    if head >> 6 != 2:
        raise ParseError("VP9 frame has no frame marker")
    profile = head >> 5 & 1 | head >> 3 & 2
    if profile == 3:  # one more bit, always 0, lies behind the profile
        head = head << 1 | bits.read(1)
    if head & _SHOWS_EXISTING:
        return None
    if not head & _IS_INTERFRAME:
        _skip_colours(bits, profile)
        return _read_size(bits)
    is_intra_only = not head & _IS_SHOWN and bits.read(1)
    bits.skip(0 if head & _IS_ERROR_RESILIENT else 2)
    return _read_intra_size(bits, profile) if is_intra_only else _read_inter_size(bits)


def _skip_colours(bits: BitReader, profile: int) -> None:
    if bits.read(24) != _SYNC_CODE:
        raise ParseError("VP9 keyframe has no sync code")
    if profile >= 2:
        bits.skip(1)
    if bits.read(3) == _SRGB:
        bits.skip(profile & 1)
    else:
        bits.skip(4 if profile & 1 else 1)


def _read_intra_size(bits: BitReader, profile: int) -> Size:
    if profile:
        _skip_colours(bits, profile)
    else:
        bits.skip(24)
    bits.skip(8)
    return _read_size(bits)


def _read_inter_size(bits: BitReader) -> Size | None:
    bits.skip(8 + 4 * _REFERENCES_PER_FRAME)
    # A bit for each reference, up to the first whose size the frame has.
    return None if bits.read(_REFERENCES_PER_FRAME) else _read_size(bits)


def _read_size(bits: BitReader) -> Size:
    size = bits.read(32)
    return (size >> 16) + 1, (size & 0xFFFF) + 1


class Vp9Reader:
    """Reads one stream, and tells when a frame is larger than what was told of its layer.

    A frame between keyframes may say a size of its own, and a decoder would allocate it: it must not pass unseen
    because the keyframe was small.
    """

    __slots__ = ("_sizes",)

    def __init__(self) -> None:
        self._sizes: tuple[Size, ...] = ()

    def __call__(self, packet: RtpPacket) -> Vp9Descriptor:
        """Raises ParseError."""
        descriptor = parse_descriptor(packet.data, packet.payload_start, packet.payload_end)
        if descriptor.sizes:
            self._sizes = descriptor.sizes
        if descriptor.frame_size is not None:
            self._compare(descriptor, descriptor.frame_size)
        return descriptor

    def _compare(self, descriptor: Vp9Descriptor, size: Size) -> None:
        layer = descriptor.spatial_id
        layers = [*self._sizes, *[(0, 0)] * (layer + 1 - len(self._sizes))]
        if size[0] > layers[layer][0] or size[1] > layers[layer][1]:
            layers[layer] = size
            descriptor.sizes = self._sizes = tuple(layers)
