"""What the first bytes of any video codec's packet say of its place in the picture."""

from typing import ClassVar


class Descriptor:
    """Common to all codecs. `keyframe` is true only in the packet that starts a keyframe."""

    __slots__ = (
        "end_of_frame",
        "keyframe",
        "length",
        "picture_id",
        "sizes",
        "spatial_id",
        "start_of_frame",
        "temporal_id",
        "tl0picidx",
        "up_from",
        "up_to",
    )

    picture_cycle: ClassVar[int] = 0
    """After how many pictures their ids repeat, where a receiver counts them; 0 where a gap means nothing."""

    def __init__(self) -> None:
        self.keyframe = False
        self.start_of_frame = False
        self.end_of_frame = False
        self.spatial_id = 0
        self.temporal_id = 0
        self.up_from = 0
        self.up_to = 0
        self.sizes: tuple[tuple[int, int], ...] = ()
        self.picture_id: int | None = None
        self.tl0picidx: int | None = None
        self.length = 0

    @property
    def width(self) -> int:
        return self.sizes[-1][0] if self.sizes else 0

    @property
    def height(self) -> int:
        return self.sizes[-1][1] if self.sizes else 0

    def rewrite(
        self, buffer: bytearray | memoryview, at: int, picture_id_delta: int, tl0picidx_delta: int
    ) -> None:
        """Nothing to move."""
