"""What a publication sent lately, once for all subscribers, for those who ask again."""

from collections import OrderedDict
from itertools import islice

from sfu.packet import MediaPacket

# A browser asks within its round trip and gives up after a second or so; 2.5 Mbit/s are 312 kB a second.
MOST_AGE_S = 1.0
MOST_PACKETS = 1024
MOST_BYTES = 400_000
# Among so many there is one of nearly any size.
_LATEST = 16


class History:
    """The last packets by sequence number, bounded in age, number and bytes, whichever is reached first."""

    def __init__(self) -> None:
        self._packets: OrderedDict[int, MediaPacket] = OrderedDict()
        self._bytes = 0

    def add(self, packet: MediaPacket) -> None:
        """Remember one more and forget what that pushes out."""
        packets = self._packets
        packets[packet.sequence] = packet
        self._bytes += len(packet.payload)
        oldest_allowed = packet.arrival - MOST_AGE_S
        while (
            len(packets) > MOST_PACKETS or self._bytes > MOST_BYTES or self._oldest().arrival < oldest_allowed
        ):
            self._bytes -= len(packets.popitem(last=False)[1].payload)

    def _oldest(self) -> MediaPacket:
        return next(iter(self._packets.values()))

    def get(self, sequence: int) -> MediaPacket | None:
        """The packet with this number, None when it never came or was forgotten."""
        return self._packets.get(sequence)

    def like(self, octets: int, first: int) -> MediaPacket | None:
        """Of the latest packets from `first` on, the one whose size is nearest to `octets`."""
        latest = (
            packet for packet in islice(reversed(self._packets.values()), _LATEST) if packet.sequence >= first
        )
        return min(latest, key=lambda packet: abs(len(packet.payload) - octets), default=None)

    def clear(self) -> None:
        """Forget everything."""
        self._packets.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._packets)
