"""Packets in the order in which they were sent, with room for retransmissions to arrive."""

from dataclasses import dataclass
from typing import Final

from sfu.rtp import RtpPacket, SequenceUnwrapper

# A retransmission takes a round trip or two; 500 ms covers a bad link, and what comes later would
# delay the file on disk by as much.
WAIT_NS: Final = 500_000_000
# 50 Mbit/s for the whole wait. A publisher beyond that loses packets, not the recorder its memory.
MAX_BUFFERED: Final = 4096
# A jump this long is a new numbering, not loss: five seconds of video at 600 packets/s.
MAX_JUMP: Final = 3000


@dataclass(frozen=True, slots=True)
class Hole:
    """So many packets never came, or a numbering ended (0: how many were lost is unknown)."""

    packets: int


Arrival = tuple[RtpPacket, int]
Item = Arrival | Hole


class OrderingBuffer:
    """Give packets out by sequence number; a missing one holds the later ones back for at most WAIT_NS.

    A packet that comes after its hole was given up, or comes twice, is dropped and counted in `late`.
    """

    def __init__(self) -> None:
        self.late = 0
        self._unwrapper = SequenceUnwrapper()
        self._next: int | None = None
        self._waiting: dict[int, Arrival] = {}
        self._blocked_since_ns = 0

    def push(self, packet: RtpPacket, arrival_ns: int) -> list[Item]:
        """Take one packet; return what may be used now, in order."""
        number = self._unwrapper.unwrap(packet.sequence_number)
        if self._next is None:
            self._next = number
        ahead = number - self._next
        if ahead == 0 and not self._waiting:
            self._next = number + 1
            return [(packet, arrival_ns)]
        if not -MAX_JUMP < ahead < MAX_JUMP:
            return [*self.flush(), Hole(0), *self.push(packet, arrival_ns)]
        if ahead < 0 or number in self._waiting:
            self.late += 1
            return []
        if not self._waiting:
            self._blocked_since_ns = arrival_ns
        self._waiting[number] = (packet, arrival_ns)
        return [*self._contiguous(self._next), *self.take(arrival_ns)]

    def take(self, now_ns: int) -> list[Item]:
        """What need not wait any longer; to be asked for by a clock too, for when no packets come."""
        items: list[Item] = []
        while self._waiting and self._overdue(now_ns):
            items += self._give_up()
        return items

    def flush(self) -> list[Item]:
        """Everything that waits, its holes given up; the numbering may go on anywhere afterwards."""
        items: list[Item] = []
        while self._waiting:
            items += self._give_up()
        self._unwrapper, self._next = SequenceUnwrapper(), None
        return items

    def _overdue(self, now_ns: int) -> bool:
        return now_ns - self._blocked_since_ns > WAIT_NS or len(self._waiting) > MAX_BUFFERED

    def _give_up(self) -> list[Item]:
        first = min(self._waiting)
        hole = Hole(first - (self._next or 0))
        return [hole, *self._contiguous(first)]

    def _contiguous(self, number: int) -> list[Item]:
        items: list[Item] = []
        while (item := self._waiting.pop(number, None)) is not None:
            items.append(item)
            number += 1
        self._next = number
        if items and self._waiting:
            self._blocked_since_ns = self._waiting[min(self._waiting)][1]
        return items
