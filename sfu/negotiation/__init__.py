"""Offer and answer (RFC 3264, RFC 8829), decided without a socket: what we accept and what we offer.

A publisher or a WHEP player offers and we answer; to a receiving peer we offer one sendonly section per slot
and read its answer. Everything runs over one bundled ICE-lite transport with rtcp-mux. VP8, VP9, H.264, AV1
with RTX, Opus and RED pass; all else is refused section by section with port 0.
"""

from sfu.codecs import DEPENDENCY_DESCRIPTOR_URI
from sfu.negotiation.answers import answer_player, answer_publisher
from sfu.negotiation.codecs import (
    AV1_PAYLOAD_TYPE,
    H264_PAYLOAD_TYPE,
    H264_SINGLE_NAL_PAYLOAD_TYPE,
    OPUS_PAYLOAD_TYPE,
    RED_PAYLOAD_TYPE,
    START_BITRATE_KBPS,
    VIDEO_CODECS,
    VP8_PAYLOAD_TYPE,
    VP9_PAYLOAD_TYPE,
)
from sfu.negotiation.extensions import (
    ABS_SEND_TIME_URI,
    AUDIO_LEVEL_URI,
    MID_URI,
    REPAIRED_RID_URI,
    RID_URI,
    TRANSPORT_WIDE_CC_URI,
)
from sfu.negotiation.model import (
    AcceptedCodec,
    AcceptedMedia,
    Agreement,
    LocalTransport,
    RemoteTransport,
    Slot,
)
from sfu.negotiation.offers import offer_slots, read_answer

__all__ = [
    "ABS_SEND_TIME_URI",
    "AUDIO_LEVEL_URI",
    "AV1_PAYLOAD_TYPE",
    "DEPENDENCY_DESCRIPTOR_URI",
    "H264_PAYLOAD_TYPE",
    "H264_SINGLE_NAL_PAYLOAD_TYPE",
    "MID_URI",
    "OPUS_PAYLOAD_TYPE",
    "RED_PAYLOAD_TYPE",
    "REPAIRED_RID_URI",
    "RID_URI",
    "START_BITRATE_KBPS",
    "TRANSPORT_WIDE_CC_URI",
    "VIDEO_CODECS",
    "VP8_PAYLOAD_TYPE",
    "VP9_PAYLOAD_TYPE",
    "AcceptedCodec",
    "AcceptedMedia",
    "Agreement",
    "LocalTransport",
    "RemoteTransport",
    "Slot",
    "answer_player",
    "answer_publisher",
    "offer_slots",
    "read_answer",
]
