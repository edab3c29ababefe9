"""What a publication sent lately, once for all subscribers, for those who ask again."""

from collections import OrderedDict
from itertools import islice

from sfu.packet import MediaPacket

# A browser asks within its round trip, a few times over, and gives up after a second or so; 2.5 Mbit/s are 312 kB
# a second.
LEAST_AGE_S, MOST_AGE_S = 0.2, 1.0
AGE_PER_RTT = 4
# Of receivers that have not told yet.
RTT_S = 0.1
# Each receiver tells of its round trip at least as often.
ROUND_S = 5.0
MOST_PACKETS = 1024
# A loss shows when the next packet comes. Of a shared page there are five a second, and that one may be lost, too: so
# many are kept however old they are.
LEAST_PACKETS = 24
MOST_BYTES = 400_000
# Among so many there is one of nearly any size.
_LATEST = 16


class History:
    """The last packets by sequence number, bounded in age, number and bytes, whichever is reached first.

    A few are kept at any age. The age is what the slowest receiver needs, as far as `reckon_with` has told of all:
    memory goes here.
    """

    def __init__(self) -> None:
        self._packets: OrderedDict[int, MediaPacket] = OrderedDict()
        self._bytes = 0
        self._slowest_s = RTT_S
        self._age_s = self._needed_s
        self._round_began: float | None = None

    def reckon_with(self, rtt_s: float, now: float) -> None:
        """One of the receivers has this round trip."""
        self._slowest_s = max(self._slowest_s, rtt_s)
        self._age_s = max(self._age_s, self._needed_s)
        if self._round_began is None:
            self._round_began = now
        elif now - self._round_began > ROUND_S:
            self._age_s, self._slowest_s, self._round_began = self._needed_s, 0.0, now

    @property
    def _needed_s(self) -> float:
        return min(MOST_AGE_S, LEAST_AGE_S + AGE_PER_RTT * self._slowest_s)

    def add(self, packet: MediaPacket) -> None:
        """Remember one more and forget what that pushes out."""
        packets = self._packets
        packets[packet.sequence] = packet
        self._bytes += len(packet.payload)
        oldest_allowed = packet.arrival - self._age_s
        while self._is_too_much(oldest_allowed):
            self._bytes -= len(packets.popitem(last=False)[1].payload)

    def _is_too_much(self, oldest_allowed: float) -> bool:
        count = len(self._packets)
        too_old = count > LEAST_PACKETS and self._oldest().arrival < oldest_allowed
        return too_old or count > MOST_PACKETS or self._bytes > MOST_BYTES

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
