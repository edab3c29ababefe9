"""Packets on their way out: laid out once for all subscribers with the same header, then copied for each.

The packets of a burst that have one length leave in one system call (see `Path.send_burst`). The frames of an
encoder are cut into nearly equal packets, so a few bytes of padding (RFC 3550, 5.1) make them so.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sfu.codecs.descriptor import Descriptor
from sfu.header import HeaderLayout
from sfu.output import Output
from sfu.packet import MediaPacket

# UDP_MAX_SEGMENTS was 64 until Linux 6.9, and before segmentation a datagram has at most 65,507 bytes.
_MOST_SEGMENTS: Final = 64
_MOST_BYTES: Final = 65_000
# Room for a header with its extension and a tag.
_OVERHEAD: Final = 64


class Group:
    """Packets that leave in one call: their bytes with room for the tags, and where each part is.

    A copy is made by writing `template` over `place`, `size` bytes of the output's buffer. `headers` has (place of
    the second byte, marker, sequence, timestamp) of each packet, `slots` (pointer, length) for encrypting it,
    `pictures` the place of a payload whose descriptor has numbers, what it says, and the view's shift.
    """

    __slots__ = (
        "count",
        "headers",
        "is_shifted",
        "octets",
        "pictures",
        "place",
        "size",
        "slots",
        "stride",
        "template",
    )

    def __init__(
        self, packets: Sequence[MediaPacket], layout: HeaderLayout, tag_length: int, output: Output
    ) -> None:
        self.count = len(packets)
        head = layout.length
        self.stride = head + len(packets[0].payload) + tag_length
        self.size = self.stride * (self.count - 1) + head + len(packets[-1].payload) + tag_length
        whole = (layout.template(packet) + packet.payload for packet in packets)
        self.template = b"".join(one.ljust(self.stride, b"\0") for one in whole)[: self.size]
        self.place = output.view[: self.size]
        self.octets = sum(packet.octets for packet in packets)
        self.headers: list[tuple[int, int, int, int]] = []
        self.slots: list[tuple[Any, int]] = []
        self.pictures: list[tuple[int, Descriptor, int]] = []
        for index, packet in enumerate(packets):
            at = index * self.stride
            self.headers.append((at + 1, packet.marker, packet.sequence, packet.timestamp))
            self.slots.append((output.pointer + at, head + len(packet.payload)))
            descriptor = packet.descriptor
            if descriptor is not None and descriptor.picture_id is not None:
                self.pictures.append((at + head, descriptor, packet.picture_shift))
        self.is_shifted = any(packet.picture_shift for packet in packets)


class Burst:
    """Packets in one numbering that were received in one batch, ready for each of the sinks."""

    __slots__ = ("_groups", "_output", "lowest", "newest", "packets")

    def __init__(self, packets: Sequence[MediaPacket], output: Output) -> None:
        self.packets = packets
        self.lowest = min(packet.sequence for packet in packets)
        self.newest = max(packets, key=lambda packet: packet.sequence)
        self._output = output
        self._groups: dict[tuple[HeaderLayout, int], list[Group]] = {}

    def groups(self, layout: HeaderLayout, tag_length: int) -> list[Group]:
        """The packets as groups with these headers, for keys whose tags have this length."""
        groups = self._groups.get((layout, tag_length))
        if groups is None:
            groups = self._groups[layout, tag_length] = [
                Group(run, layout, tag_length, self._output) for run in _runs(self.packets)
            ]
        return groups

    def only(self, wanted: Callable[[MediaPacket], bool]) -> "Burst | None":
        """The part of the burst whose packets are wanted, None when it is empty."""
        rest = [packet for packet in self.packets if wanted(packet)]
        return Burst(rest, self._output) if rest else None

    def marked(self) -> "Burst":
        """The same with the marker on the first packet: a talkspurt begins (RFC 3551, 4.1)."""
        first = min(self.packets, key=lambda packet: packet.sequence)
        marked = first.renumbered(first.sequence, first.picture_shift, 0x80)
        return Burst([marked if packet is first else packet for packet in self.packets], self._output)


def _runs(packets: Sequence[MediaPacket]) -> list[Sequence[MediaPacket]]:
    """Cut where the length changes; the last of a run may be shorter."""
    runs, start = [], 0
    while start < len(packets):
        length = len(packets[start].payload)
        most = min(_MOST_SEGMENTS, _MOST_BYTES // (length + _OVERHEAD))
        end = start + 1
        while end < len(packets) and end - start < most and len(packets[end].payload) <= length:
            end += 1
            if len(packets[end - 1].payload) < length:
                break
        runs.append(packets[start:end])
        start = end
    return runs
