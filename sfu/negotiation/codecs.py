"""Which codecs we carry, under which numbers we offer them, and what we take of others' offers."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from sfu.negotiation import h264
from sfu.negotiation.extensions import has_transport_wide_cc
from sfu.sdp import Codec, Media

VIDEO_CODECS: Final = ("VP8", "VP9", "H264", "AV1")

# What our own offers use; an answer takes the numbers of the offer. Repairs of n have n + 1.
VP8_PAYLOAD_TYPE: Final = 96
VP9_PAYLOAD_TYPE: Final = 98
AV1_PAYLOAD_TYPE: Final = 100
H264_PAYLOAD_TYPE: Final = 102
H264_SINGLE_NAL_PAYLOAD_TYPE: Final = 104
RED_PAYLOAD_TYPE: Final = 110
OPUS_PAYLOAD_TYPE: Final = 111

# Chromium begins at 300 kbit/s and climbs for several seconds; a meeting's first picture should be readable.
START_BITRATE_KBPS: Final = 800

FEEDBACK: Final = {
    "audio": ("transport-cc",),
    "video": ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"),
}
_OPUS = {"minptime": "10", "useinbandfec": "1"}
_H264 = {"level-asymmetry-allowed": "1", "profile-level-id": "42e01f"}
_ECHOED: Final = {"VP9": ("profile-id",), "AV1": ("profile", "level-idx", "tier")}
_NUMBER = re.compile(r"[0-9]{1,2}")
_VIDEO_CLOCK = 90_000
_AUDIO_CLOCK = 48_000

_Parameters = Mapping[str, str]


def _best(_: _Parameters) -> int | None:
    return 0


def _only_profile_0(key: str) -> Callable[[_Parameters], int | None]:
    return lambda parameters: 0 if parameters.get(key, "0") == "0" else None


_RANKS: Final[dict[str, Callable[[_Parameters], int | None]]] = {
    "VP8": _best,
    "VP9": _only_profile_0("profile-id"),
    "AV1": _only_profile_0("profile"),
    "H264": h264.rank,
}


# Of a peer's formats


def publisher_codecs(offered: Media, preferred: Sequence[str], *, red: bool) -> list[Codec]:
    """What we take of a publisher's: of each video codec the best format, in our order of preference.

    The later ones are there for an offer and answer that change the order. Sound is Opus, in RED if that is
    wanted.
    """
    if offered.kind == "audio":
        sound = list(_sound(offered))
        return sound[::-1] if red else sound[:1]
    return [formats[0] for name in dict.fromkeys(preferred) if (formats := _formats(offered, name))]


def receiver_codecs(offered: Media) -> list[Codec]:
    """What of ours a receiver takes, in its order."""
    if offered.kind == "audio":
        found = list(_sound(offered))
    else:
        found = [codec for name in VIDEO_CODECS for codec in _formats(offered, name)]
    return sorted(found, key=offered.codecs.index)


def rtx_of(media: Media, codec: Codec) -> Codec | None:
    """The repair stream of this payload type (RFC 4588), if there is one."""
    apt = str(codec.payload_type)
    repairs = (one for one in media.codecs if is_rtx(one) and one.clock_rate == codec.clock_rate)
    return next((one for one in repairs if one.parameters.get("apt") == apt), None)


def is_rtx(codec: Codec) -> bool:
    """Whether this is no codec of its own but repairs another's losses."""
    return codec.name.lower() == "rtx"


def common_feedback(offered: Media, codec: Codec) -> list[str]:
    """The feedback that both ends have."""
    ours = set(FEEDBACK[offered.kind])
    if not has_transport_wide_cc(offered):
        ours.discard("transport-cc")
    return [what for what in codec.feedback if what in ours]


def _formats(offered: Media, name: str) -> list[Codec]:
    """The best format of one video codec; of H.264 the best of each packetization mode."""
    rank = _RANKS.get(name)
    if rank is None:
        return []
    alike = (one for one in offered.codecs if _is(one, name, _VIDEO_CLOCK, 1))
    ranked = ((place, one) for one in alike if (place := rank(one.parameters)) is not None)
    best: dict[str, Codec] = {}
    for _, codec in sorted(ranked, key=lambda pair: pair[0]):
        best.setdefault(h264.packetization_mode(codec.parameters) if name == "H264" else "", codec)
    return list(best.values())


def _sound(offered: Media) -> Iterator[Codec]:
    """Opus, and RED of that Opus and nothing else (RFC 2198)."""
    opus = next((one for one in offered.codecs if _is(one, "opus", _AUDIO_CLOCK, 2)), None)
    if opus is None:
        return
    yield opus
    reds = (one for one in offered.codecs if _is(one, "red", _AUDIO_CLOCK, 2))
    red = next((one for one in reds if _blocks(one) == {str(opus.payload_type)}), None)
    if red is not None:
        yield red


def _blocks(red: Codec) -> set[str]:
    """Which payload types lie in RED packets: its parameters are "111/111"."""
    return set(next(iter(red.parameters), "").split("/"))


def _is(codec: Codec, name: str, clock_rate: int, channels: int) -> bool:
    return (codec.name.upper(), codec.clock_rate, codec.channels) == (name.upper(), clock_rate, channels)


# What we write


def wishes(codec: Codec) -> dict[str, str]:
    """The format parameters with which we ask a publisher for this codec.

    FEC in the band for loss; mono, because a room of speakers is; silence (DTX) is the sender's choice.
    """
    name = codec.name.upper()
    if name == "OPUS":
        dtx = {"usedtx": "1"} if codec.parameters.get("usedtx") == "1" else {}
        return {**_OPUS, "stereo": "0", **dtx}
    if name == "RED":
        return taken(codec)
    return {**taken(codec), "x-google-start-bitrate": str(START_BITRATE_KBPS)}


def taken(codec: Codec) -> dict[str, str]:
    """The format parameters with which we answer that we carry this codec as it is offered."""
    name = codec.name.upper()
    if name == "OPUS":
        return dict(_OPUS)
    if name == "H264":
        return h264.answered(codec.parameters)
    if name == "RED":
        return dict.fromkeys([next(iter(codec.parameters))], "")
    # The profile is 0 or it would not be taken; of AV1 the peer's level and tier will do for us, too.
    same = {key: codec.parameters.get(key, "") for key in _ECHOED.get(name, ())}
    return {key: value for key, value in same.items() if _NUMBER.fullmatch(value)}


def _repaired(payload_type: int, name: str, parameters: dict[str, str] | None = None) -> Iterator[Codec]:
    yield Codec(payload_type, name, _VIDEO_CLOCK, 1, parameters or {}, list(FEEDBACK["video"]))
    yield Codec(payload_type + 1, "rtx", _VIDEO_CLOCK, parameters={"apt": str(payload_type)})


OFFERED_CODECS: Final = {
    "audio": (
        Codec(OPUS_PAYLOAD_TYPE, "opus", _AUDIO_CLOCK, 2, _OPUS, list(FEEDBACK["audio"])),
        Codec(
            RED_PAYLOAD_TYPE,
            "red",
            _AUDIO_CLOCK,
            2,
            {f"{OPUS_PAYLOAD_TYPE}/{OPUS_PAYLOAD_TYPE}": ""},
            list(FEEDBACK["audio"]),
        ),
    ),
    "video": (
        *_repaired(VP8_PAYLOAD_TYPE, "VP8"),
        *_repaired(VP9_PAYLOAD_TYPE, "VP9", {"profile-id": "0"}),
        *_repaired(H264_PAYLOAD_TYPE, "H264", {**_H264, "packetization-mode": "1"}),
        *_repaired(H264_SINGLE_NAL_PAYLOAD_TYPE, "H264", {**_H264, "packetization-mode": "0"}),
        *_repaired(AV1_PAYLOAD_TYPE, "AV1"),
    ),
}
"""What each of our slots offers. Sections share these values: nobody changes them."""
