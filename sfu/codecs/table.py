"""The codecs we carry, and who reads their packets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sfu.codecs import vp8
from sfu.codecs.av1 import Av1Reader
from sfu.codecs.dependency import DescribedReader
from sfu.codecs.descriptor import Descriptor
from sfu.codecs.h264 import H264Reader
from sfu.codecs.vp9 import Vp9Reader
from sfu.rtp import RtpPacket

DEPENDENCY_DESCRIPTOR_URI: Final = (
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

Reader = Callable[[RtpPacket], Descriptor]


@dataclass(frozen=True, slots=True)
class Codec:
    """What an rtpmap says of a codec (RFC 8866, 6.6); names are compared without case."""

    name: str
    kind: str
    clock_rate: int
    channels: int = 1


CODECS: Final[dict[str, Codec]] = {
    codec.name.upper(): codec
    for codec in (
        Codec("VP8", "video", 90_000),
        Codec("VP9", "video", 90_000),
        Codec("H264", "video", 90_000),
        Codec("AV1", "video", 90_000),
        Codec("opus", "audio", 48_000, 2),
        Codec("red", "audio", 48_000, 2),
    )
}


def reader(codec: str, extension_ids: Mapping[str, int]) -> Reader | None:
    """A reader for one RTP stream, None for a codec of which nothing is read; `extension_ids` is URI → id.

    It may remember earlier packets, so each stream needs its own. It raises ParseError, and only that.
    """
    make = _READERS.get(codec.upper())
    extension_id = extension_ids.get(DEPENDENCY_DESCRIPTOR_URI)
    if make is None or extension_id is None:
        return make and make()
    return Av1Reader(extension_id) if codec.upper() == "AV1" else DescribedReader(make(), extension_id)


def _read_vp8(packet: RtpPacket) -> Descriptor:
    return vp8.parse_descriptor(packet.data, packet.payload_start, packet.payload_end)


_READERS: Final[dict[str, Callable[[], Reader]]] = {
    "VP8": lambda: _read_vp8,
    "VP9": Vp9Reader,
    "H264": H264Reader,
    "AV1": lambda: Av1Reader(None),
}
