"""SessionDescription → SDP text."""

import ipaddress
import re
from collections.abc import Iterator

from sfu.errors import SdpError
from sfu.sdp.model import Codec, Media, SessionDescription

# Whatever is written between other people's lines must not be able to begin a line of its own.
_TOKEN = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]{1,64}")
_LINE = re.compile(r"[ -~]+")
# UDP before TCP, and of either the earlier address is the better one (RFC 8445, 5.1.2.1).
_UDP_TYPE_PREFERENCE = 126
_TCP_TYPE_PREFERENCE = 90
_HIGHEST_LOCAL_PREFERENCE = 65_535
# Direction preference 4, passive (RFC 6544, 4.2), and the highest other preference.
_HIGHEST_PASSIVE_PREFERENCE = (4 << 13) + 8_191


def serialise(description: SessionDescription) -> str:
    """The text of an offer or answer. Raises SdpError sdp_invalid when a name in it is no token."""
    lines = [*_session_lines(description)]
    for media in description.media:
        lines += _media_lines(media, description.compact)
    if not all(map(_LINE.fullmatch, lines)):
        raise SdpError("sdp_invalid", "a value cannot be written as SDP")
    return "\r\n".join(lines) + "\r\n"


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise SdpError("sdp_invalid", "a name is not an SDP token")
    return text


def _session_lines(description: SessionDescription) -> Iterator[str]:
    yield "v=0"
    yield f"o=- {description.session_id} {description.version} IN IP4 127.0.0.1"
    yield "s=-"
    yield "t=0 0"
    if description.ice_lite:
        yield "a=ice-lite"
    if description.bundle:
        yield "a=group:BUNDLE " + " ".join(_token(mid) for mid in description.bundle)
    if description.compact:
        yield from _common_lines(description.media)


def _common_lines(sections: list[Media]) -> Iterator[str]:
    """What compact sections share: the transport (RFC 8839, 8122), extensions (RFC 8285, 5)."""
    yield from _transport_lines(sections[0])
    extensions: dict[int, str] = {}
    for media in sections:
        extensions |= media.extensions
    yield from _extension_lines(extensions, any(media.extmap_allow_mixed for media in sections))


def _media_lines(media: Media, compact: bool) -> Iterator[str]:
    address, port = media.candidates[0] if media.candidates else ("0.0.0.0", media.port)  # noqa: S104 (RFC 8840)
    port = 0 if media.rejected else port
    yield f"m={media.kind} {port} {media.profile} {' '.join(media.formats)}"
    yield f"c=IN IP{ipaddress.ip_address(address).version} {address}"
    if media.mid:
        yield f"a=mid:{_token(media.mid)}"
    if media.rejected:
        yield "a=inactive"
        return
    yield f"a={media.direction}"
    if media.rtcp_mux:
        yield "a=rtcp-mux"
    if media.rtcp_rsize:
        yield "a=rtcp-rsize"
    if not compact:
        yield from _transport_lines(media)
        yield from _extension_lines(media.extensions, media.extmap_allow_mixed)
    yield from _candidate_lines(media.candidates)
    yield from _codecs_lines(media.codecs, compact)
    yield from _simulcast_lines(media)
    yield from _source_lines(media)


def _transport_lines(media: Media) -> Iterator[str]:
    if media.ice_ufrag is not None and media.ice_pwd is not None:
        yield f"a=ice-ufrag:{media.ice_ufrag}"
        yield f"a=ice-pwd:{media.ice_pwd}"
    for algorithm, value in media.fingerprints:
        yield f"a=fingerprint:{algorithm} {value}"
    if media.setup is not None:
        yield f"a=setup:{media.setup}"


def _extension_lines(extensions: dict[int, str], allow_mixed: bool) -> Iterator[str]:
    if allow_mixed:
        yield "a=extmap-allow-mixed"
    for number, uri in sorted(extensions.items()):
        yield f"a=extmap:{number} {uri}"


def _candidate_lines(candidates: list[tuple[str, int]]) -> Iterator[str]:
    """Each address by UDP, then each by TCP: some clients take the first line and want UDP there."""
    for index, (address, port) in enumerate(candidates, start=1):
        priority = _priority(_UDP_TYPE_PREFERENCE, _HIGHEST_LOCAL_PREFERENCE + 1 - index)
        yield f"a=candidate:{index} 1 udp {priority} {address} {port} typ host"
    for index, (address, port) in enumerate(candidates, start=1):
        priority = _priority(_TCP_TYPE_PREFERENCE, _HIGHEST_PASSIVE_PREFERENCE + 1 - index)
        foundation = len(candidates) + index
        yield f"a=candidate:{foundation} 1 tcp {priority} {address} {port} typ host tcptype passive"
    if candidates:
        yield "a=end-of-candidates"


def _priority(type_preference: int, local_preference: int) -> int:
    return type_preference << 24 | local_preference << 8 | 255


def _codecs_lines(codecs: list[Codec], compact: bool) -> Iterator[str]:
    if compact and codecs:
        for what in codecs[0].feedback:
            yield f"a=rtcp-fb:* {what}"
    for codec in codecs:
        channels = f"/{codec.channels}" if codec.channels > 1 else ""
        yield f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}"
        for what in () if compact else codec.feedback:
            yield f"a=rtcp-fb:{codec.payload_type} {what}"
        if codec.parameters:
            pairs = (f"{key}={value}" if value else key for key, value in codec.parameters.items())
            yield f"a=fmtp:{codec.payload_type} {';'.join(pairs)}"


def _simulcast_lines(media: Media) -> Iterator[str]:
    for rid, direction in media.rids:
        yield f"a=rid:{_token(rid)} {direction}"
    if media.simulcast is not None:
        yield f"a=simulcast:{media.simulcast}"


def _source_lines(media: Media) -> Iterator[str]:
    if media.msid is not None:
        yield "a=msid:" + " ".join(_token(part) for part in media.msid)
    for semantics, ssrcs in media.ssrc_groups:
        yield f"a=ssrc-group:{_token(semantics)} {' '.join(map(str, ssrcs))}"
    if media.cname is not None:
        for ssrc in media.ssrcs:
            yield f"a=ssrc:{ssrc} cname:{_token(media.cname)}"
