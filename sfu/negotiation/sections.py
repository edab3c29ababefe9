"""One section at a time: what both ends have in common, written as an answer and told as an agreement."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from sfu.negotiation.codecs import common_feedback, is_rtx, rtx_of
from sfu.negotiation.model import AcceptedCodec, AcceptedMedia, Slot
from sfu.sdp import Codec, Media


def common_section(
    offered: Media,
    codecs: Iterable[Codec],
    extensions: dict[int, str],
    parameters: Callable[[Codec], dict[str, str]],
) -> Media | None:
    """The answer to a section: these `codecs`, each with its `parameters`; None where nothing is left."""
    ours = list(_with_repairs(offered, codecs, parameters))
    if not ours or not offered.rtcp_mux:
        return None
    return Media(
        kind=offered.kind,
        mid=offered.mid,
        profile=offered.profile,
        formats=[str(codec.payload_type) for codec in ours],
        codecs=ours,
        extensions=extensions,
        extmap_allow_mixed=offered.extmap_allow_mixed,
        rtcp_mux=True,
        rtcp_rsize=offered.rtcp_rsize,
    )


def _with_repairs(
    offered: Media, codecs: Iterable[Codec], parameters: Callable[[Codec], dict[str, str]]
) -> Iterator[Codec]:
    for codec in codecs:
        yield replace(codec, parameters=parameters(codec), feedback=common_feedback(offered, codec))
        repair = rtx_of(offered, codec)
        if repair is not None:
            yield replace(repair, parameters={"apt": str(codec.payload_type)}, feedback=[])


def put_slot(media: Media, slot: Slot) -> None:
    """Announce the streams of a slot."""
    media.msid = (slot.stream_id, f"slot-{slot.mid}")
    media.cname = slot.stream_id
    media.ssrcs = [slot.ssrc]
    if slot.rtx_ssrc is not None and any(is_rtx(codec) for codec in media.codecs):
        media.ssrcs.append(slot.rtx_ssrc)
        media.ssrc_groups = [("FID", [slot.ssrc, slot.rtx_ssrc])]


def accepted(ours: Media, theirs: Media) -> AcceptedMedia:
    """The agreement on one section: `ours` has what both ends have, `theirs` names the peer's streams."""
    pairs = (ssrcs for semantics, ssrcs in theirs.ssrc_groups if semantics == "FID" and len(ssrcs) == 2)
    repairs = {repair: primary for primary, repair in pairs}
    return AcceptedMedia(
        mid=ours.mid,
        kind=ours.kind,
        direction=ours.direction,
        codecs=tuple(_accepted_codecs(ours, theirs)),
        extensions={uri: number for number, uri in ours.extensions.items()},
        ssrcs=tuple(ssrc for ssrc in theirs.ssrcs if ssrc not in repairs),
        rtx_ssrcs=repairs,
        rids=tuple(rid for rid, _ in ours.rids),
        feedback=frozenset(what for codec in ours.codecs for what in codec.feedback),
    )


def _accepted_codecs(ours: Media, theirs: Media) -> Iterator[AcceptedCodec]:
    told = {codec.payload_type: codec.parameters for codec in theirs.codecs}
    for codec in ours.codecs:
        if not is_rtx(codec):
            repair = rtx_of(ours, codec)
            with_parameters = replace(codec, parameters=dict(told[codec.payload_type]))
            yield AcceptedCodec(with_parameters, repair.payload_type if repair else None)
