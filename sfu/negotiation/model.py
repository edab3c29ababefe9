"""What a negotiation is about and what comes out of it, as values."""

from dataclasses import dataclass, field
from typing import Final, Literal

from sfu.negotiation.h264 import packetization_mode
from sfu.sdp import Codec, SessionDescription

# H.264 in packetization mode 0, see `AcceptedCodec.form`.
SINGLE_NAL_UNITS: Final = "H264/0"


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our end of one peer's transport, as written into every description for it.

    `fingerprint` is (algorithm, value), `candidates` are (IP address, port), the best first; each is reached
    by UDP and by TCP.
    """

    ufrag: str
    password: str
    fingerprint: tuple[str, str]
    candidates: tuple[tuple[str, int], ...]
    session_id: int


@dataclass(frozen=True, slots=True)
class RemoteTransport:
    """The peer's end: ICE credentials, and the certificate fingerprints, all of which must match.

    `setup` is its part in DTLS (RFC 8842): "active", it begins the handshake, or "passive", we do.
    """

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str = "active"

    @property
    def our_role(self) -> Literal["client", "server"]:
        """Our part in the handshake."""
        return "server" if self.setup == "active" else "client"


@dataclass(frozen=True, slots=True)
class AcceptedCodec:
    """A payload type both ends have, and that of its repair stream, if one is agreed.

    `codec` has the peer's payload type, the feedback both ends have, and the peer's format parameters.
    """

    codec: Codec
    rtx_payload_type: int | None = None

    @property
    def form(self) -> str:
        """Of its packets: the codec's name in capitals; H.264 in single NAL units is a form of its own."""
        name = self.codec.name.upper()
        single = name == "H264" and packetization_mode(self.codec.parameters) == "0"
        return SINGLE_NAL_UNITS if single else name


@dataclass(frozen=True, slots=True)
class AcceptedMedia:
    """One agreed section: the numbers to read or write its packets with.

    `direction` is ours. `codecs` begin with the preferred one: what a publisher will send, what a receiver
    would rather have. `extensions` is URI → id. `ssrcs` are the peer's primary streams, `rtx_ssrcs` repair
    stream → primary. `rids` are a publisher's simulcast encodings in its order, empty without simulcast.
    `feedback` is what both have for one or more of the codecs, such as "nack pli" or "transport-cc".
    """

    mid: str
    kind: str
    direction: str
    codecs: tuple[AcceptedCodec, ...]
    extensions: dict[str, int]
    ssrcs: tuple[int, ...]
    rtx_ssrcs: dict[int, int]
    rids: tuple[str, ...]
    feedback: frozenset[str]

    @property
    def receives(self) -> bool:
        """Whether the peer sends to us here."""
        return self.direction in ("recvonly", "sendrecv")

    @property
    def payload_types(self) -> dict[str, tuple[int, int | None]]:
        """With which payload types a stream of each form can be sent to this receiver, and sent again.

        Mode 1 of H.264 has all packets of mode 0, not the other way round. The profile is no reason against:
        decoders read it in the stream.
        """
        types: dict[str, tuple[int, int | None]] = {}
        for one in self.codecs:
            types.setdefault(one.form, (one.codec.payload_type, one.rtx_payload_type))
        if "H264" in types:
            types.setdefault(SINGLE_NAL_UNITS, types["H264"])
        return types


@dataclass(frozen=True, slots=True)
class Slot:
    """One place for a track in a receiving peer's description; whose track fills it is not told there."""

    mid: str
    kind: str
    ssrc: int
    rtx_ssrc: int | None = None
    stream: str = ""
    """Slots of one stream are played in step (lip sync): at any time they hold tracks of one publisher's clock."""

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
