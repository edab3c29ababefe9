"""RTP packets of real senders, kept in tests/data/rtp as `u8 extension id | (u16 length | packet)*`, xz."""

import lzma
from pathlib import Path

from sfu.rtp import RtpPacket

FOLDER = Path(__file__).parents[1] / "data" / "rtp"


def save(path: Path, dependency_descriptor_id: int, packets: list[bytes]) -> None:
    """Write one stream's packets."""
    body = b"".join(len(one).to_bytes(2, "big") + one for one in packets)
    path.write_bytes(lzma.compress(bytes((dependency_descriptor_id,)) + body, preset=9))


def load(name: str) -> tuple[int, list[RtpPacket]]:
    """The dependency descriptor's extension id, and the packets in order of arrival."""
    data = lzma.decompress((FOLDER / f"{name}.xz").read_bytes())
    packets, at = [], 1
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        packets.append(RtpPacket.parse(data[at + 2 : end]))
        at = end
    return data[0], packets
