"""Our answers (RFC 3264): to a publisher, whose tracks we take, and to a WHEP player, which takes ours."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sfu.errors import SdpError
from sfu.negotiation.codecs import publisher_codecs, receiver_codecs, taken, wishes
from sfu.negotiation.extensions import RID_URI, read_of_publisher, sent_to_receiver
from sfu.negotiation.model import Agreement, LocalTransport, Slot
from sfu.negotiation.sections import accepted, common_section, put_slot
from sfu.negotiation.simulcast import put_rids, sent_rids
from sfu.negotiation.transport import OPPOSITE_SETUP, describe, put_transport, transport_of_offerer
from sfu.sdp import Media, SessionDescription


def answer_publisher(
    offer: SessionDescription,
    local: LocalTransport,
    version: int = 1,
    codecs: Sequence[str] = ("VP8",),
    *,
    red: bool = False,
) -> Agreement:
    """Answer an offer of somebody's tracks: each section is recvonly, inactive, or rejected with port 0.

    `codecs` are the video codecs we take, preferred first, of "VP8", "VP9", "H264", "AV1"; the publisher will
    send the first that it offers. With `red` it repeats each packet of sound in the next (RFC 2198): twice
    the bytes, but single losses are not heard.
    Raises SdpError: sdp_no_media, sdp_unsupported, fingerprint_missing, fingerprint_unsupported,
    ice_credentials_invalid.
    """
    return _answer(offer, local, version, lambda offered: _publisher_section(offered, codecs, red))


def answer_player(
    offer: SessionDescription, local: LocalTransport, slots: Sequence[Slot], version: int = 1
) -> Agreement:
    """Answer a WHEP player that wants to receive: the first section of each slot's kind is sent that slot.

    The slots' own mids do not count, `Agreement.slots` has the offer's. Sections without a slot are rejected.
    Raises SdpError as `answer_publisher` does, sdp_unsupported also when no slot found a section.
    """
    waiting = list(slots)
    placed: dict[str, Slot] = {}

    def section(offered: Media) -> Media | None:
        slot = next((one for one in waiting if one.kind == offered.kind), None)
        media = _player_section(offered, slot) if slot else None
        if slot and media:
            waiting.remove(slot)
            placed[offered.mid] = replace(slot, mid=offered.mid)
        return media

    return replace(_answer(offer, local, version, section), slots=placed)


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
    taken_up = {media.mid: ours for media in candidates if media.mid in order and (ours := section(media))}
    bundle = [mid for mid in order if mid in taken_up]
    if not bundle:
        raise SdpError("sdp_unsupported", "no section of the offer has a codec we carry, with rtcp-mux")
    offered = {media.mid: media for media in candidates}
    # The transport of a bundle is that of its first section (RFC 9143, 7.3.1).
    remote = transport_of_offerer(offered[bundle[0]])
    put_transport([taken_up[mid] for mid in bundle], local, OPPOSITE_SETUP[remote.setup])
    sections = [taken_up.get(media.mid) or _rejection(media) for media in offer.media]
    description = describe(bundle if offer.bundle else [], sections, local, version)
    return Agreement(description, remote, tuple(accepted(taken_up[mid], offered[mid]) for mid in bundle))


def _rejection(offered: Media) -> Media:
    return Media(offered.kind, offered.mid, port=0, profile=offered.profile, formats=offered.formats[:1])


def _publisher_section(offered: Media, codecs: Sequence[str], red: bool) -> Media | None:
    chosen = publisher_codecs(offered, codecs, red=red)
    media = common_section(offered, chosen, read_of_publisher(offered, chosen), wishes)
    if media:
        media.direction = "recvonly" if offered.direction in ("sendonly", "sendrecv") else "inactive"
        if RID_URI in media.extensions.values():
            put_rids(media, sent_rids(offered))
    return media


def _player_section(offered: Media, slot: Slot) -> Media | None:
    if offered.direction not in ("recvonly", "sendrecv"):
        return None
    media = common_section(offered, receiver_codecs(offered), sent_to_receiver(offered), taken)
    if media:
        media.direction = "sendonly"
        put_slot(media, slot)
    return media
