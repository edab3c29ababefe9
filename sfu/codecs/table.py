"""Who reads the packets of each codec."""

from collections.abc import Callable, Mapping
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


def reader(codec: str, extension_ids: Mapping[str, int]) -> Reader | None:
    """A reader for one RTP stream, None for a codec of which nothing is read; `extension_ids` is URI → id.

    It may remember earlier packets, so each stream needs its own. It raises ParseError, and only that.
    """
    make = _READERS.get(codec.upper())
    if make is None:
        return None
    extension_id = extension_ids.get(DEPENDENCY_DESCRIPTOR_URI)
    if extension_id is None:
        return make()
    return Av1Reader(extension_id) if codec.upper() == "AV1" else DescribedReader(make(), extension_id)


def _read_vp8(packet: RtpPacket) -> Descriptor:
    return vp8.parse_descriptor(packet.data, packet.payload_start, packet.payload_end)


_READERS: Final[dict[str, Callable[[], Reader]]] = {
    "VP8": lambda: _read_vp8,
    "VP9": Vp9Reader,
    "H264": H264Reader,
    "AV1": lambda: Av1Reader(None),
}
