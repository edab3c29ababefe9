"""The VP8 payload descriptor (RFC 7741, 4.2) and the frame header behind it (RFC 6386, 9.1)."""

from struct import Struct

from sfu.codecs.descriptor import EVERY_TEMPORAL_LAYER, NumberedDescriptor
from sfu.errors import ParseError

_size = Struct("<HH").unpack_from
_START_CODE = b"\x9d\x01\x2a"


class Vp8Descriptor(NumberedDescriptor):
    """What the first bytes of a VP8 payload say. `layer_sync` is Y: predicted from temporal layer 0 only."""

    __slots__ = ("layer_sync",)

    def __init__(self) -> None:
        super().__init__()
        self.layer_sync = False

    @property
    def picture_cycle(self) -> int:
        """A decoder waits for the picture before (RFC 7741, 4.2)."""
        return 1 << self.picture_id_bits if self.picture_id_bits else 0

    def rewrite(
        self, buffer: bytearray | memoryview, at: int, picture_id_delta: int, tl0picidx_delta: int
    ) -> None:
        at = self.move_picture_id(buffer, at + 2, picture_id_delta)
        if self.tl0picidx is not None:
            buffer[at] = (self.tl0picidx + tl0picidx_delta) & 0xFF


def parse_descriptor(data: bytes, start: int, end: int) -> Vp8Descriptor:
    """Read the descriptor of the payload `data[start:end]`. Raises ParseError when it is empty or cut off."""
    if not 0 <= start < end <= len(data):
        raise ParseError("VP8 payload is empty")
    descriptor = Vp8Descriptor()
    first = data[start]
    at = start + 1
    if first & 0x80:
        at = _parse_extension(descriptor, data, at, end)
    if at >= end:
        raise ParseError("VP8 descriptor has no payload behind it")
    descriptor.length = at - start
    # S is set at the start of each partition; only partition 0 starts a frame.
    if first & 0x17 == 0x10:
        descriptor.start_of_frame = True
        if not data[at] & 0x01:
            _parse_keyframe(descriptor, data, at, end)
        elif descriptor.layer_sync and descriptor.temporal_id:
            descriptor.up_from, descriptor.up_to = descriptor.temporal_id - 1, descriptor.temporal_id
    return descriptor


def _parse_extension(descriptor: Vp8Descriptor, data: bytes, at: int, end: int) -> int:
    if at >= end:
        raise ParseError("VP8 descriptor is cut off")
    flags = data[at]
    at += 1
    try:
        if flags & 0x80:
            at = descriptor.read_picture_id(data, at)
        if flags & 0x40:
            descriptor.tl0picidx = data[at]
            at += 1
        if flags & 0x30:
            if flags & 0x20:
                descriptor.temporal_id = data[at] >> 6
                descriptor.layer_sync = bool(data[at] & 0x20)
            at += 1
    except IndexError:
        raise ParseError("VP8 descriptor is cut off") from None
    return at


def _parse_keyframe(descriptor: Vp8Descriptor, data: bytes, at: int, end: int) -> None:
    # Three bytes of frame tag, the start code, then 14 bits of size and two of scale for each side.
    if at + 10 > end or data[at + 3 : at + 6] != _START_CODE:
        raise ParseError("VP8 keyframe has no start code")
    descriptor.keyframe = True
    descriptor.up_to = EVERY_TEMPORAL_LAYER
    width, height = _size(data, at + 6)
    descriptor.sizes = ((width & 0x3FFF, height & 0x3FFF),)
