"""Packets in the order in which they were sent, with room for retransmissions to arrive."""

from typing import Final

from sfu.rtp import RtpPacket, SequenceUnwrapper

# A retransmission takes a round trip or two; 500 ms covers a bad link, and what comes later would
# delay the file on disk by as much.
WAIT_NS: Final = 500_000_000
# A jump this long is a new numbering, not loss: five seconds of video at 600 packets/s. No more than this
# many packets wait either.
MAX_JUMP: Final = 3000


class Hole:
    """Packets never came here, or a numbering ended."""


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
            return [*self.flush(), Hole(), *self.push(packet, arrival_ns)]
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
        while self._waiting and now_ns - self._blocked_since_ns > WAIT_NS:
            items += self._give_up()
        return items

    def flush(self) -> list[Item]:
        """Everything that waits, its holes given up; the numbering may go on anywhere afterwards."""
        items: list[Item] = []
        while self._waiting:
            items += self._give_up()
        self._unwrapper, self._next = SequenceUnwrapper(), None
        return items

    def _give_up(self) -> list[Item]:
        return [Hole(), *self._contiguous(min(self._waiting))]

    def _contiguous(self, number: int) -> list[Item]:
        items: list[Item] = []
        while (item := self._waiting.pop(number, None)) is not None:
            items.append(item)
            number += 1
        self._next = number
        if items and self._waiting:
            self._blocked_since_ns = self._waiting[min(self._waiting)][1]
        return items
