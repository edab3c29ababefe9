"""What a meeting knows of its media: what pictures it prefers, and how well somebody's line carries them."""

import enum
from dataclasses import dataclass


class VideoCodec(enum.StrEnum):
    """What pictures are sent in, as far as everybody's device can; chosen when the meeting is planned."""

    VP8 = "vp8"
    H264 = "h264"
    VP9 = "vp9"
    AV1 = "av1"


@dataclass(frozen=True, slots=True)
class Link:
    """How one participant's media fared lately. `up` is towards the server.

    Whole numbers, for the hash of a log is over JSON, and fractions have more than one spelling there.
    """

    score: int
    """0 (nothing gets through) to 5 (nothing is wrong), in whole points, rounded down."""
    loss_up_permille: int = 0
    loss_down_permille: int = 0
    rtt_ms: int = 0
    jitter_up_ms: int = 0
    bitrate_up_bps: int = 0
    bitrate_down_bps: int = 0
    reason: str | None = None
    """What lowers the score most; None while nothing does."""
