"""What the SFU wants to know of a video packet, whichever codec made it."""

from struct import Struct

_put_picture_id = Struct("!H").pack_into
# Temporal ids have three bits: "all of them".
EVERY_TEMPORAL_LAYER = 7


class Descriptor:
    """One payload as forwarding sees it. Each codec's reader fills in what its packets tell.

    `keyframe` is true only in the packet that starts a keyframe; with spatial layers, in that of the lowest.
    `start_of_frame` is the first packet of a frame, with spatial layers of one layer's frame; `end_of_frame` its
    last where the codec itself says so, False elsewhere.
    `up_from` and `up_to`: who has received all temporal layers ≤ `up_from` may from this packet on get all ≤
    `up_to`. Only packets that start a frame offer that; 0 and 0 offer nothing.
    `needed_above`: frames of higher spatial layers may be predicted from this one.
    `sizes` is (width, height) of each spatial layer, lowest first, in packets that tell it; else empty.
    `picture_id` and `tl0picidx` are numbers that a subscriber must see without gaps; None where absent. The
    former has `picture_id_bits`, 0 where it is absent.
    `length` counts the bytes of the payload that are descriptor, not codec.
    """

    __slots__ = (
        "end_of_frame",
        "keyframe",
        "length",
        "needed_above",
        "picture_id",
        "picture_id_bits",
        "sizes",
        "spatial_id",
        "start_of_frame",
        "temporal_id",
        "tl0picidx",
        "up_from",
        "up_to",
    )

    def __init__(self) -> None:
        self.keyframe = self.start_of_frame = self.end_of_frame = False
        self.needed_above = True
        self.length = self.spatial_id = self.temporal_id = self.up_from = self.up_to = 0
        self.picture_id_bits = 0
        self.sizes: tuple[tuple[int, int], ...] = ()
        self.picture_id: int | None = None
        self.tl0picidx: int | None = None

    @property
    def picture_cycle(self) -> int:
        """After how many pictures their ids repeat, where a receiver counts them; 0 where a gap means nothing."""
        return 0

    @property
    def width(self) -> int:
        """The widest layer's; 0 when not told."""
        return max((width for width, _ in self.sizes), default=0)

    @property
    def height(self) -> int:
        """The highest layer's; 0 when not told."""
        return max((height for _, height in self.sizes), default=0)

    def rewrite(
        self, buffer: bytearray | memoryview, at: int, picture_id_delta: int, tl0picidx_delta: int
    ) -> None:
        """Move the numbers of the payload that begins at `at`, in place; they wrap. Not every codec has any."""


class NumberedDescriptor(Descriptor):
    """With a picture id as VP8 and VP9 write it (RFC 7741, 4.2; RFC 9628, 4.2): 7 bits, or 15 behind a 1."""

    __slots__ = ()

    def read_picture_id(self, data: bytes, at: int) -> int:
        """Take the picture id at `at`; where it ends. Raises IndexError where the data do."""
        if data[at] & 0x80:
            self.picture_id = (data[at] & 0x7F) << 8 | data[at + 1]
            self.picture_id_bits = 15
            return at + 2
        self.picture_id = data[at]
        self.picture_id_bits = 7
        return at + 1

    def move_picture_id(self, buffer: bytearray | memoryview, at: int, delta: int) -> int:
        """Write the id moved by `delta` in place, wrapped, in as many bits; where it ends, or would."""
        if self.picture_id is None:
            return at
        if self.picture_id_bits == 15:
            _put_picture_id(buffer, at, 0x8000 | self.picture_id + delta & 0x7FFF)
            return at + 2
        buffer[at] = self.picture_id + delta & 0x7F
        return at + 1
