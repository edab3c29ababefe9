"""A session description as values: what both the parser and the writer mean by it."""

from dataclasses import dataclass, field

SECURE_PROFILES = frozenset({"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP"})


@dataclass(slots=True)
class Codec:
    """One payload type: its rtpmap, fmtp parameters and rtcp-fb values. `channels` is 1 unless told."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    parameters: dict[str, str] = field(default_factory=dict)
    feedback: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Media:
    """One m-section. What the session level says for all sections is already filled in.

    `formats` are the words after the profile; for RTP each is a payload type, described in `codecs` if it has
    an rtpmap. `fingerprints` are (algorithm, value) in lower and upper case, `rids` (id, "send" or "recv")
    without their restrictions, `simulcast` is the attribute's value, `msid` is (stream, track). Remote
    candidates are only counted: an ICE-lite end answers where it was asked from; `candidates` and `cname` are
    for writing.
    """

    kind: str
    mid: str = ""
    port: int = 9
    profile: str = "UDP/TLS/RTP/SAVPF"
    formats: list[str] = field(default_factory=list)
    direction: str = "sendrecv"
    codecs: list[Codec] = field(default_factory=list)
    extensions: dict[int, str] = field(default_factory=dict)
    extmap_allow_mixed: bool = False
    ssrcs: list[int] = field(default_factory=list)
    ssrc_groups: list[tuple[str, list[int]]] = field(default_factory=list)
    rids: list[tuple[str, str]] = field(default_factory=list)
    simulcast: str | None = None
    msid: tuple[str, str] | None = None
    cname: str | None = None
    bundle_only: bool = False
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    ice_ufrag: str | None = None
    ice_pwd: str | None = None
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    setup: str | None = None
    candidates: list[tuple[str, int]] = field(default_factory=list)
    candidates_count: int = 0

    @property
    def rejected(self) -> bool:
        """Whether the section is refused or stopped: port 0, unless that means "bundled" (RFC 9143, 6)."""
        return self.port == 0 and not self.bundle_only

    @property
    def is_secure_rtp(self) -> bool:
        """Whether it carries audio or video over DTLS-SRTP."""
        return self.kind in ("audio", "video") and self.profile in SECURE_PROFILES


@dataclass(slots=True)
class SessionDescription:
    """A whole offer or answer. `bundle` is the first BUNDLE group's mids in order, empty without one.

    A `compact` one is written short: what its sections have in common once. Its sections are alike: of one
    transport, each with the same feedback for all its codecs, and an extension id means the same in all.
    """

    bundle: list[str] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    session_id: int = 0
    version: int = 1
    ice_lite: bool = False
    compact: bool = False
