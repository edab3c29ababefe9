"""RTP header extensions (RFC 8285): which we read of publishers and which we send to receivers."""

from collections.abc import Container, Sequence
from typing import Final

from sfu.codecs import DEPENDENCY_DESCRIPTOR_URI
from sfu.sdp import Codec, Media

MID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL_URI: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME_URI: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_WIDE_CC_URI: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

# The ids of our own offers; an answer takes those of the offer.
OFFERED: Final = {
    "audio": {
        1: AUDIO_LEVEL_URI,
        2: ABS_SEND_TIME_URI,
        3: TRANSPORT_WIDE_CC_URI,
        4: MID_URI,
    },
    "video": {
        2: ABS_SEND_TIME_URI,
        3: TRANSPORT_WIDE_CC_URI,
        4: MID_URI,
    },
}
_READ: Final = {
    "audio": (AUDIO_LEVEL_URI, ABS_SEND_TIME_URI, TRANSPORT_WIDE_CC_URI, MID_URI),
    "video": (
        ABS_SEND_TIME_URI,
        TRANSPORT_WIDE_CC_URI,
        MID_URI,
        RID_URI,
        REPAIRED_RID_URI,
        DEPENDENCY_DESCRIPTOR_URI,
    ),
}


def read_of_publisher(offered: Media, codecs: Sequence[Codec]) -> dict[int, str]:
    """What we take of a publisher's that will send the first of `codecs`.

    The dependency descriptor is for AV1, whose layers it alone tells: where it is agreed, Chromium leaves the
    picture numbers out of VP8.
    """
    left_out = set() if has_transport_wide_cc(offered) else {TRANSPORT_WIDE_CC_URI}
    if not codecs or codecs[0].name.upper() != "AV1":
        left_out.add(DEPENDENCY_DESCRIPTOR_URI)
    found = _chosen(offered, _READ[offered.kind])
    return {number: uri for number, uri in found.items() if uri not in left_out}


def sent_to_receiver(offered: Media) -> dict[int, str]:
    """What a receiver takes of ours."""
    return _chosen(offered, OFFERED[offered.kind].values())


def has_transport_wide_cc(media: Media) -> bool:
    """Whether packets can be numbered and their arrival told: one without the other is nothing."""
    return TRANSPORT_WIDE_CC_URI in media.extensions.values() and any(
        "transport-cc" in codec.feedback for codec in media.codecs
    )


def _chosen(offered: Media, wanted: Container[str]) -> dict[int, str]:
    """Each URI once, under the first id that it has."""
    numbers: dict[str, int] = {}
    for number, uri in offered.extensions.items():
        if uri in wanted:
            numbers.setdefault(uri, number)
    return {number: uri for uri, number in numbers.items()}
