"""SDP text → SessionDescription, linear in its bounded length."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sfu.errors import SdpError
from sfu.sdp.model import SECURE_PROFILES, Codec, Media, SessionDescription

# Chromium 156 offers four tracks in 319 lines and 11 kB, and answers 64 slots in 3,847 lines and 117 kB.
MAX_LENGTH: Final = 131_072
MAX_LINES: Final = 5_000
MAX_LINE_LENGTH: Final = 4_096
MAX_MEDIA: Final = 64
MAX_MEDIA_LINES: Final = 500
MAX_FORMATS: Final = 96
MAX_FEEDBACK: Final = 16
MAX_SSRCS: Final = 32
MAX_FINGERPRINTS: Final = 8
MAX_CANDIDATES: Final = 50

# Only CR LF or LF ends a line. Other controls, and what some readers take for line ends, have no place here.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE = re.compile(r"[a-z]=.")
_MEDIA = re.compile(r"([a-z]{1,16}) (\d{1,5})(?:/\d{1,2})? ([A-Z/]{1,24})((?: [\w.*+-]{1,32})+)", re.ASCII)
_ORIGIN = re.compile(r"\S+ (\d{1,20}) (\d{1,20}) IN IP[46] \S+", re.ASCII)
# mids travel in one-byte header extensions, which hold 16 bytes (RFC 8285, 4.2; RFC 9143, 15).
_MID = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]{1,16}")
_MSID = re.compile(r"([!-~]{1,64})(?: ([!-~]{1,64}))?")
_RTPMAP = re.compile(r"(\d{1,3}) ([\w.+-]{1,32})/(\d{1,6})(?:/(\d{1,2}))?", re.ASCII)
_FMTP = re.compile(r"(\d{1,3}) (.+)", re.ASCII)
_FEEDBACK = re.compile(r"(\d{1,3}|\*) ([ -~]{1,64})", re.ASCII)
_EXTMAP = re.compile(
    r"(\d{1,3})(?:/(?:sendrecv|sendonly|recvonly|inactive))? ([!-~]{1,255})(?: [ -~]*)?", re.ASCII
)
_SSRC = re.compile(r"(\d{1,10})(?: .*)?", re.ASCII)
_SSRC_GROUP = re.compile(r"([\w-]{1,16})((?: \d{1,10}){1,32})", re.ASCII)
_RID = re.compile(r"([A-Za-z0-9_-]{1,16}) (send|recv)(?: [!-~]*)?")
_SIMULCAST = re.compile(r"(?:send|recv) [A-Za-z0-9_,;~-]+(?: (?:send|recv) [A-Za-z0-9_,;~-]+)?")
_FINGERPRINT = re.compile(
    r"([a-z0-9-]{1,16}) +([0-9a-f]{2}(?::[0-9a-f]{2}){15,63})", re.IGNORECASE | re.ASCII
)
_CANDIDATE = re.compile(
    r"[\w+/-]{1,32} \d{1,3} \w{1,8} \d{1,10} \S{1,255} \d{1,5} typ \w{1,8}(?: .*)?", re.ASCII
)
_DIGEST_LENGTHS: Final = {"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64}
_SETUPS: Final = frozenset({"actpass", "active", "passive", "holdconn"})
_BUNDLE: Final = "BUNDLE"


@dataclass(slots=True)
class _Section:
    """A part being read: the session level, or a media section whose codecs are joined at its end."""

    media: Media
    lines: int = 0
    rtpmaps: dict[int, Codec] = field(default_factory=dict)
    parameters: dict[int, dict[str, str]] = field(default_factory=dict)
    feedback: dict[tuple[str, str], None] = field(default_factory=dict)
    inherited_fingerprints: list[tuple[str, str]] = field(default_factory=list)


def parse(text: str) -> SessionDescription:
    """Read an offer or answer. Raises SdpError: sdp_too_large or sdp_invalid."""
    description = SessionDescription()
    session = section = _Section(Media(kind="session"))
    for line in _lines(text):
        if line[0] == "m":
            _finish(section)
            section = _open(line[2:], session.media, description)
        elif line[0] == "a":
            _read_attribute(line[2:], section, description)
        elif line[0] == "o":
            _read_origin(line[2:], description)
        section.lines += 1
        if section.lines > MAX_MEDIA_LINES:
            raise _too_large("a section has too many lines")
    _finish(section)
    _check_mids(description)
    return description


def _invalid(what: str) -> SdpError:
    return SdpError("sdp_invalid", what)


def _too_large(what: str) -> SdpError:
    return SdpError("sdp_too_large", what)


def _lines(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise _too_large(f"more than {MAX_LENGTH} characters")
    if _FORBIDDEN.search(text):
        raise _invalid("a control character")
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(lines) > MAX_LINES:
        raise _too_large(f"more than {MAX_LINES} lines")
    if lines[0] != "v=0":
        raise _invalid("the first line is not v=0")
    for line in lines:
        if len(line) > MAX_LINE_LENGTH:
            raise _too_large("a line is too long")
        if "\r" in line or not _LINE.match(line):
            raise _invalid("a line is not of the form x=value")
    return lines


def _match(pattern: re.Pattern[str], value: str, what: str) -> re.Match[str]:
    found = pattern.fullmatch(value)
    if found is None:
        raise _invalid(f"{what} is malformed")
    return found


def _read_origin(value: str, description: SessionDescription) -> None:
    session_id, version = _match(_ORIGIN, value, "origin").groups()
    description.session_id, description.version = int(session_id), int(version)


def _open(value: str, session: Media, description: SessionDescription) -> _Section:
    if len(description.media) >= MAX_MEDIA:
        raise _too_large(f"more than {MAX_MEDIA} media sections")
    kind, port, profile, formats = _match(_MEDIA, value, "media line").groups()
    words = formats.split()
    if len(words) > MAX_FORMATS:
        raise _too_large("a media section has too many formats")
    if int(port) > 65_535 or len(set(words)) < len(words):
        raise _invalid("a port is out of range, or a format repeated")
    if profile in SECURE_PROFILES:
        for word in words:
            _payload_type(word)
    media = Media(
        kind=kind,
        port=int(port),
        profile=profile,
        formats=words,
        direction=session.direction,
        extensions=dict(session.extensions),
        extmap_allow_mixed=session.extmap_allow_mixed,
        ice_ufrag=session.ice_ufrag,
        ice_pwd=session.ice_pwd,
        setup=session.setup,
    )
    description.media.append(media)
    return _Section(media, inherited_fingerprints=session.fingerprints)


def _payload_type(digits: str) -> int:
    # 64 to 95 would be taken for RTCP on a shared port (RFC 5761, 4).
    number = int(digits) if digits.isdecimal() and len(digits) <= 3 else 128
    if number > 127 or 64 <= number <= 95:
        raise _invalid("a payload type is out of range")
    return number


def _read_attribute(line: str, section: _Section, description: SessionDescription) -> None:
    name, _, value = line.partition(":")
    if name in _DIRECTIONS:
        section.media.direction = name
    elif section.media.kind != "session":
        reader = _MEDIA_ATTRIBUTES.get(name) or _SHARED_ATTRIBUTES.get(name)
        if reader:
            reader(section, value)
    elif name in _SHARED_ATTRIBUTES:
        _SHARED_ATTRIBUTES[name](section, value)
    elif name == "group":
        _read_group(value, description)
    elif name == "ice-lite":
        description.ice_lite = True


def _read_group(value: str, description: SessionDescription) -> None:
    semantics, *mids = value.split(" ")
    if semantics == _BUNDLE and not description.bundle:
        description.bundle = [_match(_MID, mid, "mid").group() for mid in mids if mid]


def _read_mid(section: _Section, value: str) -> None:
    section.media.mid = _match(_MID, value, "mid").group()


def _read_msid(section: _Section, value: str) -> None:
    stream, track = _match(_MSID, value, "msid").groups()
    section.media.msid = (stream, track or "")


def _read_rtpmap(section: _Section, value: str) -> None:
    digits, name, rate, channels = _match(_RTPMAP, value, "rtpmap").groups()
    number = _payload_type(digits)
    section.rtpmaps[number] = Codec(number, name, int(rate), int(channels or 1))


def _read_fmtp(section: _Section, value: str) -> None:
    digits, text = _match(_FMTP, value, "fmtp").groups()
    pairs = (part.strip().partition("=") for part in text.split(";"))
    section.parameters[_payload_type(digits)] = {key: setting for key, _, setting in pairs if key}


def _read_feedback(section: _Section, value: str) -> None:
    digits, what = _match(_FEEDBACK, value, "rtcp-fb").groups()
    section.feedback[digits, what] = None


def _read_extmap(section: _Section, value: str) -> None:
    digits, uri = _match(_EXTMAP, value, "extmap").groups()
    number = int(digits)
    if not 1 <= number <= 255 or number == 15 or section.media.extensions.get(number, uri) != uri:
        raise _invalid("a header extension id is out of range or given twice")
    section.media.extensions[number] = uri


def _read_extmap_allow_mixed(section: _Section, _: str) -> None:
    section.media.extmap_allow_mixed = True


def _read_ssrc(section: _Section, value: str) -> None:
    _add_ssrc(section.media.ssrcs, _match(_SSRC, value, "ssrc")[1])


def _add_ssrc(ssrcs: list[int], digits: str) -> None:
    ssrc = int(digits)
    if ssrc >= 1 << 32:
        raise _invalid("an ssrc is out of range")
    if ssrc in ssrcs:
        return
    if len(ssrcs) >= MAX_SSRCS:
        raise _too_large("a media section has too many ssrcs")
    ssrcs.append(ssrc)


def _read_ssrc_group(section: _Section, value: str) -> None:
    semantics, digits = _match(_SSRC_GROUP, value, "ssrc-group").groups()
    ssrcs: list[int] = []
    for word in digits.split():
        _add_ssrc(ssrcs, word)
    section.media.ssrc_groups.append((semantics, ssrcs))


def _read_rid(section: _Section, value: str) -> None:
    identifier, direction = _match(_RID, value, "rid").groups()
    section.media.rids.append((identifier, direction))


def _read_simulcast(section: _Section, value: str) -> None:
    section.media.simulcast = _match(_SIMULCAST, value, "simulcast").group()


def _read_candidate(section: _Section, value: str) -> None:
    _match(_CANDIDATE, value, "candidate")
    section.media.candidates_count += 1
    if section.media.candidates_count > MAX_CANDIDATES:
        raise _too_large("too many candidates")


def _read_rtcp_mux(section: _Section, _: str) -> None:
    section.media.rtcp_mux = True


def _read_rtcp_rsize(section: _Section, _: str) -> None:
    section.media.rtcp_rsize = True


def _read_bundle_only(section: _Section, _: str) -> None:
    section.media.bundle_only = True


def _read_ufrag(section: _Section, value: str) -> None:
    section.media.ice_ufrag = value


def _read_pwd(section: _Section, value: str) -> None:
    section.media.ice_pwd = value


def _read_fingerprint(section: _Section, value: str) -> None:
    algorithm, digest = _match(_FINGERPRINT, value, "fingerprint").groups()
    length = _DIGEST_LENGTHS.get(algorithm.lower())
    if length is not None and len(digest) != 3 * length - 1:
        raise _invalid("a fingerprint is not as long as its hash")
    section.media.fingerprints.append((algorithm.lower(), digest.upper()))
    if len(section.media.fingerprints) > MAX_FINGERPRINTS:
        raise _too_large("too many fingerprints")


def _read_setup(section: _Section, value: str) -> None:
    if value not in _SETUPS:
        raise _invalid("setup is malformed")
    section.media.setup = value


_Reader = Callable[[_Section, str], None]
_DIRECTIONS: Final = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})
_SHARED_ATTRIBUTES: Final[dict[str, _Reader]] = {
    "extmap": _read_extmap,
    "extmap-allow-mixed": _read_extmap_allow_mixed,
    "fingerprint": _read_fingerprint,
    "ice-pwd": _read_pwd,
    "ice-ufrag": _read_ufrag,
    "setup": _read_setup,
}
_MEDIA_ATTRIBUTES: Final[dict[str, _Reader]] = {
    "bundle-only": _read_bundle_only,
    "candidate": _read_candidate,
    "fmtp": _read_fmtp,
    "mid": _read_mid,
    "msid": _read_msid,
    "rid": _read_rid,
    "rtcp-fb": _read_feedback,
    "rtcp-mux": _read_rtcp_mux,
    "rtcp-rsize": _read_rtcp_rsize,
    "rtpmap": _read_rtpmap,
    "simulcast": _read_simulcast,
    "ssrc": _read_ssrc,
    "ssrc-group": _read_ssrc_group,
}


def _finish(section: _Section) -> None:
    """Join what may come in any order: rtpmap, fmtp and rtcp-fb; and inherit the session's fingerprints."""
    media = section.media
    for digits, what in section.feedback:
        _add_feedback(section, digits, what)
    for number, parameters in section.parameters.items():
        _described(section, number).parameters = parameters
    media.codecs = [
        section.rtpmaps[int(word)]
        for word in media.formats
        if word.isdecimal() and int(word) in section.rtpmaps
    ]
    media.fingerprints = media.fingerprints or list(section.inherited_fingerprints)


def _add_feedback(section: _Section, digits: str, what: str) -> None:
    wildcard = digits == "*"
    codecs = section.rtpmaps.values() if wildcard else [_described(section, _payload_type(digits))]
    for codec in codecs:
        # Few lines that each mean every codec would otherwise be much work.
        if len(codec.feedback) >= MAX_FEEDBACK:
            raise _too_large("a codec has too many kinds of feedback")
        if what not in codec.feedback:
            codec.feedback.append(what)


def _described(section: _Section, number: int) -> Codec:
    codec = section.rtpmaps.get(number)
    if codec is None:
        raise _invalid(f"payload type {number} has parameters but no rtpmap")
    return codec


def _check_mids(description: SessionDescription) -> None:
    mids = [media.mid for media in description.media if media.mid or not media.rejected]
    if "" in mids or len(set(mids)) < len(mids):
        raise _invalid("a media section has no mid, or another's")
    if not set(mids).issuperset(description.bundle) or len(set(description.bundle)) < len(description.bundle):
        raise _invalid("the bundle names an unknown mid, or one twice")
