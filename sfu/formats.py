"""What a publisher's description says of a track's packets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payload:
    """One codec of a track and the payload types of its packets.

    `form` tells packets of one codec apart that not every receiver of it takes; the codec's name where that is all.
    """

    codec: str
    clock_rate: int
    payload_type: int
    rtx_payload_type: int | None = None
    form: str = ""

    def __post_init__(self) -> None:
        if not self.form:
            object.__setattr__(self, "form", self.codec)


@dataclass(frozen=True, slots=True)
class Format:
    """The codecs a track may come in, the preferred one first, and the ids of its header extensions by URI."""

    kind: str
    payloads: tuple[Payload, ...]
    nack: bool = False
    extensions: tuple[tuple[str, int], ...] = ()

    def payload(self, payload_type: int) -> Payload | None:
        """What packets of this type carry."""
        return next((one for one in self.payloads if one.payload_type == payload_type), None)

    def repaired(self, payload_type: int) -> Payload | None:
        """What retransmissions of this type restore."""
        return next((one for one in self.payloads if one.rtx_payload_type == payload_type), None)
