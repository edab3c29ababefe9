"""Our offers to receiving peers, and their answers (RFC 3264, RFC 8829)."""

from collections.abc import Sequence

from sfu.errors import SdpError
from sfu.negotiation.codecs import OFFERED_CODECS, receiver_codecs, taken
from sfu.negotiation.extensions import OFFERED, sent_to_receiver
from sfu.negotiation.model import AcceptedMedia, Agreement, LocalTransport, Slot
from sfu.negotiation.sections import accepted, common_section, put_slot
from sfu.negotiation.transport import describe, put_transport, transport_of_answerer
from sfu.sdp import Media, SessionDescription


def offer_slots(slots: Sequence[Slot], local: LocalTransport, version: int = 1) -> SessionDescription:
    """Our offer to a receiving peer: one sendonly section per slot, in this order, each with all we carry.

    To extend it, append slots and count `version` up: sections never move or go (RFC 8829, 5.2.2).
    Raises SdpError sdp_no_media when there is no slot.
    """
    if not slots:
        raise SdpError("sdp_no_media", "an offer needs a slot")
    media = [_slot_section(slot) for slot in slots]
    put_transport(media, local, "actpass")
    offer = describe([slot.mid for slot in slots], media, local, version)
    offer.compact = True
    return offer


def _slot_section(slot: Slot) -> Media:
    codecs = OFFERED_CODECS[slot.kind]
    media = Media(
        kind=slot.kind,
        mid=slot.mid,
        formats=[str(codec.payload_type) for codec in codecs],
        direction="sendonly",
        codecs=list(codecs),
        extensions=dict(OFFERED[slot.kind]),
        extmap_allow_mixed=True,
        rtcp_mux=True,
        rtcp_rsize=True,
    )
    put_slot(media, slot)
    return media


def read_answer(offer: SessionDescription, answer: SessionDescription) -> Agreement:
    """The receiving peer's answer to our `offer`; `media` lacks the sections it rejected or does not receive.

    Raises SdpError: sdp_invalid when it is no answer to this offer, sdp_unsupported when nothing is received,
    and the transport's codes as `answer_publisher` does.
    """
    _check_sections(offer, answer)
    live = {media.mid: media for media in answer.media if media.is_secure_rtp and not media.rejected}
    bundled = [mid for mid in offer.bundle if mid in live and mid in answer.bundle]
    taken_up = {mid: ours for mid in bundled if (ours := _kept(live[mid]))}
    if not taken_up:
        raise SdpError("sdp_unsupported", "the answer takes none of the offered sections")
    remote = transport_of_answerer(live[bundled[0]])
    media = (_received(ours, live[mid]) for mid, ours in taken_up.items())
    return Agreement(answer, remote, tuple(one for one in media if one is not None))


def _check_sections(offer: SessionDescription, answer: SessionDescription) -> None:
    asked = [(media.kind, media.mid) for media in offer.media]
    if len(answer.media) != len(asked) or any(
        (theirs.kind, theirs.mid or mid) != (kind, mid)
        for theirs, (kind, mid) in zip(answer.media, asked, strict=True)
    ):
        raise SdpError("sdp_invalid", "the answer's sections are not those of the offer")


def _kept(theirs: Media) -> Media | None:
    return common_section(theirs, receiver_codecs(theirs), sent_to_receiver(theirs), taken)


def _received(ours: Media, theirs: Media) -> AcceptedMedia | None:
    if theirs.direction not in ("recvonly", "sendrecv"):
        return None
    ours.direction = "sendonly"
    return accepted(ours, theirs)
