"""Packets on their way out: stripped once, laid out once, then copied for each subscriber.

The packets of a burst that have one length leave in one system call (see `Path.send_burst`). The frames of an
encoder are cut into nearly equal packets, so a few bytes of padding (RFC 3550, 5.1) make them so.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Any, Final

from pylibsrtp._binding import ffi, lib

from sfu.codecs.vp8 import Vp8Descriptor
from sfu.drops import DropCounter, DropReason
from sfu.port import Path
from sfu.rtp import HEADER_LENGTH, RtpPacket

# A system call costs about 2.5 µs, as long as 100 bytes take on a link of 300 Mbit/s.
MOST_PADDING: Final = 100
# UDP_MAX_SEGMENTS was 64 until Linux 6.9, and before segmentation a datagram has at most 65,507 bytes.
_MOST_SEGMENTS: Final = 64
_MOST_BYTES: Final = 65_000
_BUFFER_BYTES: Final = 65_536 + 2048

_header = Struct("!BBHII").pack
rewrite_header: Final = Struct("!BHII").pack_into


class MediaPacket:
    """One packet of a publication as all its subscribers share it.

    `data` is plain RTP without contributing sources and header extension, padding included; `payload_end` is
    where the padding begins. `sequence` does not wrap and has no gap where a packet was dropped on purpose.
    `original` is the packet as it came, in the publisher's numbering, while the burst is being forwarded.
    """

    __slots__ = (
        "arrival",
        "data",
        "descriptor",
        "keyframe",
        "marker",
        "original",
        "payload_end",
        "sequence",
        "timestamp",
    )

    def __init__(
        self, packet: RtpPacket, sequence: int, descriptor: Vp8Descriptor | None, arrival: float
    ) -> None:
        payload = packet.data[packet.payload_start : packet.payload_end]
        self.marker = 0x80 if packet.marker else 0
        self.data = _header(0x80, self.marker, 0, 0, 0) + payload
        self.payload_end = len(self.data)
        self.sequence = sequence
        self.timestamp = packet.timestamp
        self.descriptor = descriptor
        self.keyframe = descriptor is not None and descriptor.keyframe
        self.original: bytes | None = packet.data
        self.arrival = arrival

    def pad(self, length: int) -> None:
        """Lengthen to `length` bytes; at most 255 more."""
        missing = length - len(self.data)
        if missing > 0:
            self.data = b"\xa0" + self.data[1:] + bytes(missing - 1) + bytes((missing,))


def align(packets: Sequence[MediaPacket]) -> None:
    """Pad neighbours to one length where it is cheap. Once: who gets a packet again gets the same bytes."""
    start = 0
    while start < len(packets):
        end, longest = _alike(packets, start)
        # The last of a run may be shorter.
        for packet in packets[start : end - 1]:
            packet.pad(longest)
        start = end


def _alike(packets: Sequence[MediaPacket], start: int) -> tuple[int, int]:
    """Where the run of nearly equal packets ends that begins at `start`, and its greatest length."""
    low = high = len(packets[start].data)
    for at in range(start + 1, len(packets)):
        length = len(packets[at].data)
        if max(high, length) - min(low, length) > MOST_PADDING:
            return at, high
        low, high = min(low, length), max(high, length)
    return len(packets), high


class Output:
    """The worker's one buffer, in which copies are rewritten and encrypted one after another."""

    def __init__(self, drops: DropCounter) -> None:
        self.drops = drops
        self.pointer = ffi.new("unsigned char[]", _BUFFER_BYTES)
        self.view = memoryview(ffi.buffer(self.pointer)).cast("B")
        self.sent = 0
        self._length = ffi.new("int *")

    def send(self, key: Any, path: Path, group: "Group") -> bool:
        """Encrypt the group that lies in the buffer and send it. False when it was lost here, and counted."""
        length_pointer, protect = self._length, lib.srtp_protect
        for pointer, length in group.slots:
            length_pointer[0] = length
            if protect(key, pointer, length_pointer):
                # Nothing of the buffer may leave: part of it is still plain.
                self.drops.count(DropReason.TOO_OLD, group.count)
                return False
        sent = path.send(group.place) if group.count == 1 else path.send_burst(group.place, group.stride)
        if sent:
            self.sent += group.count
        else:
            self.drops.count(DropReason.SOCKET_FULL, group.count)
        return sent

    def send_one(self, key: Any, path: Path, data: bytes) -> bool:
        """Encrypt and send one packet that is ready but for that."""
        self.view[: len(data)] = data
        self._length[0] = len(data)
        if lib.srtp_protect(key, self.pointer, self._length):
            self.drops.count(DropReason.TOO_OLD)
            return False
        if not path.send(self.view[: self._length[0]]):
            self.drops.count(DropReason.SOCKET_FULL)
            return False
        self.sent += 1
        return True


class Group:
    """Packets that leave in one call: their bytes with room for the tags, and where each part is.

    A copy is made by writing `template` over `place`, a part of the output's buffer. `headers` has (place of
    the second byte, marker, sequence, timestamp) of each packet, `slots` (pointer, length) for encrypting it,
    `pictures` the place of its VP8 descriptor and what that says.
    """

    __slots__ = ("count", "headers", "octets", "pictures", "place", "slots", "stride", "template")

    def __init__(self, packets: Sequence[MediaPacket], tag_length: int, output: Output) -> None:
        self.count = len(packets)
        self.stride = len(packets[0].data) + tag_length
        size = self.stride * (self.count - 1) + len(packets[-1].data) + tag_length
        self.template = b"".join(packet.data.ljust(self.stride, b"\0") for packet in packets)[:size]
        self.place = output.view[:size]
        # Payload alone, as sender reports count it (RFC 3550, 6.4.1).
        self.octets = sum(packet.payload_end - HEADER_LENGTH for packet in packets)
        self.headers: list[tuple[int, int, int, int]] = []
        self.slots: list[tuple[Any, int]] = []
        self.pictures: list[tuple[int, Vp8Descriptor]] = []
        for index, packet in enumerate(packets):
            at = index * self.stride
            self.headers.append((at + 1, packet.marker, packet.sequence, packet.timestamp))
            self.slots.append((output.pointer + at, len(packet.data)))
            if packet.descriptor is not None:
                self.pictures.append((at + HEADER_LENGTH, packet.descriptor))


class Burst:
    """What one publication received in one batch, ready for each of its sinks."""

    __slots__ = ("_from_keyframe", "_groups", "_output", "lowest", "newest", "packets")

    def __init__(self, packets: Sequence[MediaPacket], output: Output) -> None:
        self.packets = packets
        self.lowest = min(packet.sequence for packet in packets)
        self.newest = max(packets, key=lambda packet: packet.sequence)
        self._output = output
        self._groups: dict[int, list[Group]] = {}
        self._from_keyframe: Burst | None = None

    def groups(self, tag_length: int) -> list[Group]:
        """The packets as groups for keys whose tags have this length."""
        groups = self._groups.get(tag_length)
        if groups is None:
            groups = self._groups[tag_length] = [
                Group(run, tag_length, self._output) for run in _runs(self.packets)
            ]
        return groups

    def from_keyframe(self) -> "Burst | None":
        """The part that begins with a keyframe, if there is one."""
        if self._from_keyframe is None:
            first = next((at for at, packet in enumerate(self.packets) if packet.keyframe), None)
            if first is None:
                return None
            start = self.packets[first].sequence
            rest = [packet for packet in self.packets[first:] if packet.sequence >= start]
            self._from_keyframe = Burst(rest, self._output)
        return self._from_keyframe

    def not_before(self, sequence: int) -> "Burst | None":
        """The packets from `sequence` on."""
        rest = [packet for packet in self.packets if packet.sequence >= sequence]
        return Burst(rest, self._output) if rest else None


def _runs(packets: Sequence[MediaPacket]) -> list[Sequence[MediaPacket]]:
    """Cut where the length changes; the last of a run may be shorter."""
    runs, start = [], 0
    while start < len(packets):
        length = len(packets[start].data)
        most = min(_MOST_SEGMENTS, _MOST_BYTES // (length + 16))
        end = start + 1
        while end < len(packets) and end - start < most and len(packets[end].data) <= length:
            end += 1
            if len(packets[end - 1].data) < length:
                break
        runs.append(packets[start:end])
        start = end
    return runs
