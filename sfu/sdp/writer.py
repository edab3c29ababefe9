"""SessionDescription → SDP text."""

import ipaddress
import re
from collections.abc import Iterator

from sfu.errors import SdpError
from sfu.sdp.model import Codec, Media, SessionDescription

# Whatever is written between other people's lines must not be able to begin a line of its own.
_TOKEN = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]{1,64}")
_LINE = re.compile(r"[ -~]+")
# Of one component and one type, the earlier address is the better one (RFC 8445, 5.1.2.1).
_HOST_PREFERENCE = 126 << 24 | 255
_HIGHEST_LOCAL_PREFERENCE = 65_535


def serialise(description: SessionDescription) -> str:
    """The text of an offer or answer. Raises SdpError sdp_invalid when a name in it is no token."""
    lines = [*_session_lines(description)]
    for media in description.media:
        lines += _media_lines(media)
    for line in lines:
        if not _LINE.fullmatch(line):
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


def _media_lines(media: Media) -> Iterator[str]:
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
    yield from _transport_lines(media)
    for number, uri in sorted(media.extensions.items()):
        yield f"a=extmap:{number} {uri}"
    for codec in media.codecs:
        yield from _codec_lines(codec)
    yield from _source_lines(media)


def _transport_lines(media: Media) -> Iterator[str]:
    if media.rtcp_mux:
        yield "a=rtcp-mux"
    if media.rtcp_rsize:
        yield "a=rtcp-rsize"
    if media.ice_ufrag is not None and media.ice_pwd is not None:
        yield f"a=ice-ufrag:{media.ice_ufrag}"
        yield f"a=ice-pwd:{media.ice_pwd}"
    for algorithm, value in media.fingerprints:
        yield f"a=fingerprint:{algorithm} {value}"
    if media.setup is not None:
        yield f"a=setup:{media.setup}"
    for index, (address, port) in enumerate(media.candidates):
        priority = _HOST_PREFERENCE | (_HIGHEST_LOCAL_PREFERENCE - index) << 8
        yield f"a=candidate:{index + 1} 1 udp {priority} {address} {port} typ host"
    if media.candidates:
        yield "a=end-of-candidates"


def _codec_lines(codec: Codec) -> Iterator[str]:
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    yield f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}"
    for what in codec.feedback:
        yield f"a=rtcp-fb:{codec.payload_type} {what}"
    if codec.parameters:
        pairs = (f"{key}={value}" if value else key for key, value in codec.parameters.items())
        yield f"a=fmtp:{codec.payload_type} {';'.join(pairs)}"


def _source_lines(media: Media) -> Iterator[str]:
    if media.msid is not None:
        yield "a=msid:" + " ".join(_token(part) for part in media.msid)
    for semantics, ssrcs in media.ssrc_groups:
        yield f"a=ssrc-group:{_token(semantics)} {' '.join(map(str, ssrcs))}"
    if media.cname is not None:
        for ssrc in media.ssrcs:
            yield f"a=ssrc:{ssrc} cname:{_token(media.cname)}"
