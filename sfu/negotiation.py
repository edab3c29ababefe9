"""Offer and answer (RFC 3264, RFC 8829), decided without a socket: what we accept and what we offer.

A publisher or a WHEP player offers and we answer; to a receiving peer we offer one sendonly section per slot
and read its answer. Everything runs over one bundled ICE-lite transport with rtcp-mux; VP8 with RTX and Opus
pass, all else is refused section by section with port 0.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sfu.errors import SdpError
from sfu.sdp import Codec, Media, SessionDescription

AUDIO_LEVEL_URI: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"

# What our own offers use; an answer takes the numbers of the offer.
OPUS_PAYLOAD_TYPE: Final = 111
VP8_PAYLOAD_TYPE: Final = 96
RTX_PAYLOAD_TYPE: Final = 97

# Chromium begins at 300 kbit/s and climbs for several seconds; a meeting's first picture should be readable.
START_BITRATE_KBPS: Final = 800

# What we read of what we receive. To receivers no mid is promised: their streams are told by announced SSRCs,
# and a mid in a forwarded packet would be the publisher's.
_EXTENSIONS: Final = {"audio": (AUDIO_LEVEL_URI, MID_URI), "video": (MID_URI,)}
_VIDEO_FEEDBACK: Final = ("goog-remb", "ccm fir", "nack", "nack pli")
_FEEDBACK: Final = {"audio": (), "video": _VIDEO_FEEDBACK}
# FEC in the band for loss; mono, because a room of speakers is; silence (DTX) is the sender's choice.
_WISHES: Final = {
    "audio": {"minptime": "10", "useinbandfec": "1", "stereo": "0"},
    "video": {"x-google-start-bitrate": str(START_BITRATE_KBPS)},
}
_OFFERED_PARAMETERS: Final = {"audio": {"minptime": "10", "useinbandfec": "1"}, "video": {}}
# Hashes that RFC 8122, 5 still allows and the DTLS side can compute.
_HASHES: Final = frozenset({"sha-256", "sha-384", "sha-512"})
_ICE_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our end of one peer's transport, as written into every description for it.

    `fingerprint` is (algorithm, value), `candidates` are (IP address, port), the best first.
    """

    ufrag: str
    password: str
    fingerprint: tuple[str, str]
    candidates: tuple[tuple[str, int], ...]
    session_id: int


@dataclass(frozen=True, slots=True)
class RemoteTransport:
    """The peer's end: ICE credentials and the certificate fingerprints, all of which must match.

    The peer is always the DTLS client: we answer `passive` and refuse those who want to be asked.
    """

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AcceptedMedia:
    """One agreed section: the numbers to read or write its packets with.

    `direction` is ours. `ssrcs` are the peer's primary streams, `rtx_ssrcs` repair stream → primary.
    `extensions` is URI → id; `rtx_payload_type` is None where no repair stream is agreed.
    """

    mid: str
    kind: str
    direction: str
    codec: Codec
    rtx_payload_type: int | None
    extensions: dict[str, int]
    ssrcs: tuple[int, ...]
    rtx_ssrcs: dict[int, int]

    @property
    def receives(self) -> bool:
        """Whether the peer sends to us here."""
        return self.direction in ("recvonly", "sendrecv")


@dataclass(frozen=True, slots=True)
class Slot:
    """One place for a track in a receiving peer's description; whose track fills it is not told there."""

    mid: str
    kind: str
    ssrc: int
    rtx_ssrc: int | None = None
    stream: str = ""
    """Slots of one stream are played in step (lip sync), so at any time they hold tracks of one publisher's clock."""

    @property
    def stream_id(self) -> str:
        """MediaStream id and CNAME; its own where the slot belongs to no stream."""
        return self.stream or f"slot-{self.mid}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """The outcome: what both ends now hold. `description` is our answer, or the peer's to our offer.

    `slots` tells for a player which section got which slot.
    """

    description: SessionDescription
    remote: RemoteTransport
    media: tuple[AcceptedMedia, ...]
    slots: dict[str, Slot] = field(default_factory=dict)


def answer_publisher(offer: SessionDescription, local: LocalTransport, version: int = 1) -> Agreement:
    """Answer an offer of somebody's tracks: each section is recvonly, inactive, or rejected with port 0.

    Raises SdpError: sdp_no_media, sdp_unsupported, fingerprint_missing, fingerprint_unsupported,
    ice_credentials_invalid.
    """
    return _answer(offer, local, version, _publisher_section)


def answer_player(
    offer: SessionDescription, local: LocalTransport, slots: Sequence[Slot], version: int = 1
) -> Agreement:
    """Answer a WHEP player that wants to receive: the first section of each slot's kind is sent that slot.

    The slots' own mids do not count, `Agreement.slots` has the offer's. Sections without a slot are rejected.
    Raises SdpError as `answer_publisher` does, sdp_unsupported also when no slot found a section.
    """
    waiting = list(slots)
    taken: dict[str, Slot] = {}

    def section(offered: Media) -> Media | None:
        slot = next((one for one in waiting if one.kind == offered.kind), None)
        media = _player_section(offered, slot) if slot else None
        if slot and media:
            waiting.remove(slot)
            taken[offered.mid] = replace(slot, mid=offered.mid)
        return media

    return replace(_answer(offer, local, version, section), slots=taken)


def _answer(
    offer: SessionDescription,
    local: LocalTransport,
    version: int,
    section: Callable[[Media], Media | None],
) -> Agreement:
    candidates = [media for media in offer.media if media.is_secure_rtp and not media.rejected]
    if not candidates:
        raise SdpError("sdp_no_media", "nothing in the offer is audio or video over DTLS-SRTP")
    order = offer.bundle or [candidates[0].mid]
    accepted = {media.mid: ours for media in candidates if media.mid in order and (ours := section(media))}
    bundle = [mid for mid in order if mid in accepted]
    if not bundle:
        raise SdpError("sdp_unsupported", "no section of the offer has VP8 or Opus with rtcp-mux")
    offered = {media.mid: media for media in candidates}
    # The transport of a bundle is that of its first section (RFC 9143, 7.3.1).
    remote = _remote_transport(offered[bundle[0]], ("actpass", "active"))
    for mid in bundle:
        _put_transport(accepted[mid], local, "passive", first=mid == bundle[0])
    sections = [accepted.get(media.mid) or _rejection(media) for media in offer.media]
    description = _description(bundle if offer.bundle else [], sections, local, version)
    return Agreement(description, remote, tuple(_accepted(accepted[mid], offered[mid]) for mid in bundle))


def _description(
    bundle: list[str], sections: list[Media], local: LocalTransport, version: int
) -> SessionDescription:
    return SessionDescription(
        bundle=bundle, media=sections, session_id=local.session_id, version=version, ice_lite=True
    )


def _rejection(offered: Media) -> Media:
    return Media(offered.kind, offered.mid, port=0, profile=offered.profile, formats=offered.formats[:1])


def _publisher_section(offered: Media) -> Media | None:
    media = _common_section(offered)
    if media:
        media.direction = "recvonly" if offered.direction in ("sendonly", "sendrecv") else "inactive"
        media.codecs[0].parameters = dict(_WISHES[offered.kind])
    return media


def _player_section(offered: Media, slot: Slot) -> Media | None:
    media = _common_section(offered) if offered.direction in ("recvonly", "sendrecv") else None
    if media:
        media.direction = "sendonly"
        media.codecs[0].parameters = dict(_OFFERED_PARAMETERS[offered.kind])
        media.extensions = {number: uri for number, uri in media.extensions.items() if uri != MID_URI}
        _put_slot(media, slot)
    return media


def _common_section(offered: Media) -> Media | None:
    """What we and the offer have in common, None when that is nothing."""
    codecs = list(_chosen_codecs(offered))
    if not codecs or not offered.rtcp_mux:
        return None
    wanted = _EXTENSIONS[offered.kind]
    return Media(
        kind=offered.kind,
        mid=offered.mid,
        profile=offered.profile,
        formats=[str(codec.payload_type) for codec in codecs],
        codecs=codecs,
        extensions={number: uri for number, uri in offered.extensions.items() if uri in wanted},
        rtcp_mux=True,
        rtcp_rsize=offered.rtcp_rsize,
    )


def _chosen_codecs(offered: Media) -> Iterator[Codec]:
    codec = _primary_codec(offered)
    if codec is None:
        return
    feedback = [what for what in codec.feedback if what in _FEEDBACK[offered.kind]]
    yield replace(codec, parameters={}, feedback=feedback)
    repair = _rtx_codec(offered, codec)
    if repair:
        apt = {"apt": str(codec.payload_type)}
        yield replace(repair, parameters=apt, feedback=[])


def _primary_codec(media: Media) -> Codec | None:
    wanted = ("opus", 48_000, 2) if media.kind == "audio" else ("vp8", 90_000, 1)
    return next(
        (one for one in media.codecs if (one.name.lower(), one.clock_rate, one.channels) == wanted), None
    )


def _rtx_codec(media: Media, codec: Codec) -> Codec | None:
    if media.kind != "video":
        return None
    apt = str(codec.payload_type)
    repairs = (
        one for one in media.codecs if one.name.lower() == "rtx" and one.clock_rate == codec.clock_rate
    )
    return next((one for one in repairs if one.parameters.get("apt") == apt), None)


def _put_transport(media: Media, local: LocalTransport, setup: str, *, first: bool) -> None:
    media.ice_ufrag, media.ice_pwd = local.ufrag, local.password
    media.fingerprints = [local.fingerprint]
    media.setup = setup
    # Once is enough for a bundle, and spares a description of many slots thousands of bytes.
    media.candidates = list(local.candidates) if first else []


def _put_slot(media: Media, slot: Slot) -> None:
    media.msid = (slot.stream_id, f"slot-{slot.mid}")
    media.cname = slot.stream_id
    media.ssrcs = [slot.ssrc]
    if slot.rtx_ssrc is not None and len(media.codecs) > 1:
        media.ssrcs.append(slot.rtx_ssrc)
        media.ssrc_groups = [("FID", [slot.ssrc, slot.rtx_ssrc])]


def _accepted(ours: Media, theirs: Media) -> AcceptedMedia:
    """The agreement on one section: `ours` has what both ends have, `theirs` names the peer's streams."""
    pairs = (ssrcs for semantics, ssrcs in theirs.ssrc_groups if semantics == "FID" and len(ssrcs) == 2)
    repairs = {repair: primary for primary, repair in pairs}
    return AcceptedMedia(
        mid=ours.mid,
        kind=ours.kind,
        direction=ours.direction,
        codec=ours.codecs[0],
        rtx_payload_type=ours.codecs[1].payload_type if len(ours.codecs) > 1 else None,
        extensions={uri: number for number, uri in ours.extensions.items()},
        ssrcs=tuple(ssrc for ssrc in theirs.ssrcs if ssrc not in repairs),
        rtx_ssrcs=repairs,
    )


def offer_slots(slots: Sequence[Slot], local: LocalTransport, version: int = 1) -> SessionDescription:
    """Our offer to a receiving peer: one sendonly section per slot, in this order.

    To extend it, append slots and count `version` up: sections never move or go (RFC 8829, 5.2.2).
    """
    if not slots:
        raise SdpError("sdp_no_media", "an offer needs a slot")
    media = [_slot_section(slot) for slot in slots]
    for one in media:
        _put_transport(one, local, "actpass", first=one is media[0])
    return _description([slot.mid for slot in slots], media, local, version)


def _slot_section(slot: Slot) -> Media:
    codecs = [_opus_offer()] if slot.kind == "audio" else list(_vp8_offer())
    media = Media(
        kind=slot.kind,
        mid=slot.mid,
        formats=[str(codec.payload_type) for codec in codecs],
        direction="sendonly",
        codecs=codecs,
        rtcp_mux=True,
        rtcp_rsize=True,
    )
    _put_slot(media, slot)
    return media


def _opus_offer() -> Codec:
    return Codec(OPUS_PAYLOAD_TYPE, "opus", 48_000, 2, dict(_OFFERED_PARAMETERS["audio"]))


def _vp8_offer() -> Iterator[Codec]:
    yield Codec(VP8_PAYLOAD_TYPE, "VP8", 90_000, feedback=list(_VIDEO_FEEDBACK))
    yield Codec(RTX_PAYLOAD_TYPE, "rtx", 90_000, parameters={"apt": str(VP8_PAYLOAD_TYPE)})


def read_answer(offer: SessionDescription, answer: SessionDescription) -> Agreement:
    """The receiving peer's answer to our `offer`; `media` lacks the sections it rejected or does not receive.

    Raises SdpError: sdp_invalid when it is no answer to this offer, sdp_unsupported when nothing is received,
    and the transport's codes as `answer_publisher` does.
    """
    asked = [(media.kind, media.mid) for media in offer.media]
    if len(answer.media) != len(asked) or any(
        (theirs.kind, theirs.mid or mid) != (kind, mid)
        for theirs, (kind, mid) in zip(answer.media, asked, strict=True)
    ):
        raise SdpError("sdp_invalid", "the answer's sections are not those of the offer")
    live = {media.mid: media for media in answer.media if media.is_secure_rtp and not media.rejected}
    bundled = [mid for mid in offer.bundle if mid in live and mid in answer.bundle]
    accepted = {mid: ours for mid in bundled if (ours := _common_section(live[mid]))}
    if not accepted:
        raise SdpError("sdp_unsupported", "the answer takes none of the offered sections")
    remote = _remote_transport(live[bundled[0]], ("active",))
    media = []
    for mid, ours in accepted.items():
        if live[mid].direction in ("recvonly", "sendrecv"):
            ours.direction = "sendonly"
            media.append(_accepted(ours, live[mid]))
    return Agreement(answer, remote, tuple(media))


def _remote_transport(media: Media, setups: tuple[str, ...]) -> RemoteTransport:
    if media.setup not in setups:
        raise SdpError("sdp_unsupported", f"a=setup is not {' or '.join(setups)}")
    ufrag, password = media.ice_ufrag or "", media.ice_pwd or ""
    if not _is_credential(ufrag, 4) or not _is_credential(password, 22):
        raise SdpError("ice_credentials_invalid", "ice-ufrag or ice-pwd is missing or malformed")
    return RemoteTransport(ufrag, password, _strong_fingerprints(media))


def _is_credential(text: str, shortest: int) -> bool:
    return shortest <= len(text) <= 256 and _ICE_CHARACTERS.issuperset(text)


def _strong_fingerprints(media: Media) -> tuple[tuple[str, str], ...]:
    if not media.fingerprints:
        raise SdpError("fingerprint_missing", "no certificate fingerprint")
    strong = tuple(one for one in media.fingerprints if one[0] in _HASHES)
    if not strong:
        raise SdpError("fingerprint_unsupported", "no fingerprint by SHA-256, SHA-384 or SHA-512")
    return strong
