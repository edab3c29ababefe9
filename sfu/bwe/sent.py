"""What was sent over a link, until its receiver tells what became of it."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from sfu.transport_feedback import TICKS_PER_REFERENCE, TransportFeedback

# At 500 groups a second these are four seconds, and 400 KB at most, when no feedback comes at all.
MOST_GROUPS: Final = 2048
MOST_LOST: Final = 1024
# What leaves so soon after something else is a group with it: of many small ones each would be told by itself.
TOGETHER_S: Final = 0.005
# A line on which nothing is sent for so long pauses.
PAUSE_S: Final = 0.5
_REFERENCE_RANGE: Final = 1 << 24


class GroupFate(NamedTuple):
    """What became of packets that left together from `sent_at` on: how many arrived, the first and last when.

    Ticks are of 250 µs on the receiver's clock; `octets` were sent, `arrived_octets` of them arrived.
    """

    sent_at: float
    packets: int
    octets: float
    arrived: int
    arrived_octets: float
    first_tick: int
    last_tick: int


class SentLog:
    """Matches feedback with what was sent.

    Numbers must follow each other as the packets leave. What feedback says of numbers that were not sent, or were
    told of before, is ignored and counted in `unknown` (packets). `skipped_octets` sums what no message told of,
    for messages get lost too; `recovered` counts packets told of as lost that came late after all.
    """

    def __init__(self) -> None:
        self.unknown = 0
        self.skipped_octets = 0.0
        self.recovered = 0
        self._groups: deque[tuple[int, int, float, float]] = deque(maxlen=MOST_GROUPS)
        self._next = 0
        self._lost: dict[int, None] = {}
        self._reference: int | None = None

    def sent(self, first_number: int, count: int, octets: float, now: float) -> None:
        """`count` packets of `octets` bytes altogether left at `now` with the numbers from `first_number` on."""
        groups = self._groups
        if groups:
            first, before, octets_before, began = groups[-1]
            if now - began < TOGETHER_S and first + before == first_number:
                groups[-1] = (first, before + count, octets_before + octets, began)
                return
        groups.append((first_number, count, octets, now))

    def is_awaiting(self, now: float, for_s: float) -> bool:
        """Whether something that left so long ago was not told of, while more leaves.

        What left long before that was sent before a pause: its feedback may have been lost, once.
        """
        groups, then = self._groups, now - for_s
        if not groups or groups[-1][3] < now - PAUSE_S:
            return False
        return any(then - PAUSE_S < left_at < then for _, _, _, left_at in groups)

    def match(self, message: TransportFeedback) -> list[GroupFate]:
        """What the message says of groups not told of before, in the order of sending."""
        fates: list[GroupFate] = []
        groups, base = self._groups, message.base_number
        if not self._is_of_us(message):
            return fates
        ticks = self._ticks(message)
        self._recover(message)
        told = message.status_count
        all_came = len(message.received) == told
        while groups:
            first, count, octets, sent_at = groups[0]
            start = ((first - base + 0x8000) & 0xFFFF) - 0x8000
            end = start + count
            if start >= told:
                break
            groups.popleft()
            self._next = first + count
            if all_came and start >= 0 and end <= told:
                # The reference time stands first in `ticks`.
                came = ticks[start + 1 : end + 1]
                fates.append(GroupFate(sent_at, count, octets, count, octets, min(came), max(came)))
                continue
            if start < 0 or end > told:
                start, count, octets = self._cut(message, first, start, count, octets, sent_at)
                if count <= 0:
                    continue
            fates.append(self._fate(message, ticks, start, count, octets, sent_at))
        return fates

    def _is_of_us(self, message: TransportFeedback) -> bool:
        """Whether the message begins with a number that has left, and lately."""
        if self._groups:
            first, count, _, _ = self._groups[-1]
            end = first + count
        else:
            end = self._next
        ahead = ((message.base_number - end + 0x8000) & 0xFFFF) - 0x8000
        beyond = min(message.status_count, ahead + message.status_count)
        if beyond > 0:
            received = message.received
            self.unknown += len(received) - bisect_left(received, message.status_count - beyond)
        return ahead < 0

    def _ticks(self, message: TransportFeedback) -> list[int]:
        """The arrivals on a clock that does not wrap, after the reference time itself."""
        if self._reference is None:
            self._reference = message.reference_time
        half = _REFERENCE_RANGE // 2
        ahead = ((message.reference_time - self._reference + half) & (_REFERENCE_RANGE - 1)) - half
        self._reference += ahead
        return list(accumulate(message.deltas, initial=self._reference * TICKS_PER_REFERENCE))

    def _recover(self, message: TransportFeedback) -> None:
        """Take back losses of packets that came late; the rest below what is awaited was told before."""
        base = message.base_number
        awaited = self._groups[0][0] if self._groups else self._next
        behind = ((awaited - base + 0x8000) & 0xFFFF) - 0x8000
        if behind <= 0:
            return
        for offset in message.received[: bisect_left(message.received, behind)]:
            if (base + offset) & 0xFFFF in self._lost:
                del self._lost[(base + offset) & 0xFFFF]
                self.recovered += 1
            else:
                self.unknown += 1

    def _cut(
        self, message: TransportFeedback, first: int, start: int, count: int, octets: float, sent_at: float
    ) -> tuple[int, int, float]:
        """The part of a group that the message tells of; what is after it is awaited again."""
        each = octets / count
        if start < 0:
            skipped = min(-start, count)
            self.skipped_octets += skipped * each
            first, start, count = first + skipped, 0, count - skipped
        rest = start + count - message.status_count
        if rest > 0 and count > 0:
            count -= rest
            self._groups.appendleft((first + count, rest, rest * each, sent_at))
            self._next = first + count
        return start, count, count * each

    def _fate(
        self,
        message: TransportFeedback,
        ticks: Sequence[int],
        start: int,
        count: int,
        octets: float,
        sent_at: float,
    ) -> GroupFate:
        received = message.received
        low = bisect_left(received, start)
        high = bisect_left(received, start + count, low)
        arrived = high - low
        if arrived == count:
            arrived_octets = octets
        else:
            self._note_lost(message, low, high, start, count)
            arrived_octets = octets * arrived / count
        if arrived < 2:
            # Of what did not arrive the place is of no meaning.
            return GroupFate(sent_at, count, octets, arrived, arrived_octets, ticks[high], ticks[high])
        times = ticks[low + 1 : high + 1]
        return GroupFate(sent_at, count, octets, arrived, arrived_octets, min(times), max(times))

    def _note_lost(self, message: TransportFeedback, low: int, high: int, start: int, count: int) -> None:
        lost = self._lost
        missing = set(range(start, start + count)).difference(message.received[low:high])
        for offset in missing:
            lost[(message.base_number + offset) & 0xFFFF] = None
        while len(lost) > MOST_LOST:
            del lost[next(iter(lost))]
