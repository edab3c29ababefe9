"""What a meeting's choice of codec means for a media worker."""

from rooms.media import VideoCodec

# The worker takes the first that a publisher offers and every receiver decodes. VP8 is the last resort, for all
# browsers have it (RFC 7742, 5); who sends AV1 in software is relieved by VP9 before that.
PREFERENCES: dict[VideoCodec, tuple[str, ...]] = {
    VideoCodec.VP8: ("VP8",),
    VideoCodec.H264: ("H264", "VP8"),
    VideoCodec.VP9: ("VP9", "VP8"),
    VideoCodec.AV1: ("AV1", "VP9", "VP8"),
}
"""By RTP names, preferred first."""
