"""What a publisher's packets did on their way here, told to the publisher."""

from collections import deque
from typing import Final

from sfu.transport_feedback import TICK_S, FeedbackWriter, TransportFeedback

# A publisher of 100 Mbit/s sends 500 packets in the 50 ms between two messages.
MOST_FRESH: Final = 4096
# How far back a packet may come late and still be told of, or ahead without the publisher having begun anew.
WINDOW: Final = 4096
_MASK: Final = (1 << WINDOW + 1) - 1


class ArrivalLog:
    """Notes the arrivals of one publisher and turns them into feedback, each number told as received once.

    Numbers are told of in order, those that did not arrive too; what comes late gets a message of its own,
    so that its neighbours are not told of again as lost more often than need be. `media_ssrc` must be one of
    the publisher's streams, for libwebrtc takes no notice of other feedback.
    """

    def __init__(self, sender_ssrc: int, media_ssrc: int = 0) -> None:
        self._writer = FeedbackWriter(sender_ssrc, media_ssrc)
        self._fresh: deque[tuple[int, float]] = deque(maxlen=MOST_FRESH)
        # Bit n tells of the number n + 1 below `_next`, which is the first that has not been told of.
        self._told = 0
        self._next: int | None = None

    @property
    def media_ssrc(self) -> int:
        """The stream that the feedback names."""
        return self._writer.media_ssrc

    @media_ssrc.setter
    def media_ssrc(self, ssrc: int) -> None:
        self._writer.media_ssrc = ssrc

    def received(self, number: int, now: float) -> None:
        """A packet with this transport-wide number (16 bits) came at `now`, in seconds of a steady clock."""
        self._fresh.append((number, now))

    def due(self) -> list[TransportFeedback]:
        """Feedback for what came since the last call; nothing if nothing came. To be called every 50 ms or so."""
        if not self._fresh:
            return []
        arrivals = self._unwrapped()
        if not arrivals:
            return []
        late = [arrival for arrival in arrivals if arrival[0] < self._expected]
        new = arrivals[len(late) :]
        messages = self._writer.write(late, late[0][0]) if late else []
        if new:
            messages += self._writer.write(new, self._expected)
            self._advance(new[-1][0] + 1)
        self._note(arrivals)
        return messages

    def _advance(self, following: int) -> None:
        self._told = self._told << min(WINDOW + 1, following - self._expected) & _MASK
        self._next = following

    def _note(self, arrivals: list[tuple[int, int]]) -> None:
        below = self._expected - 1
        for number, _ in arrivals:
            self._told |= 1 << (below - number)

    def _is_told(self, number: int) -> bool:
        return (
            self._next is not None
            and number < self._next
            and bool(self._told >> (self._next - 1 - number) & 1)
        )

    @property
    def _expected(self) -> int:
        """The first number that has not been told of."""
        assert self._next is not None
        return self._next

    def _unwrapped(self) -> list[tuple[int, int]]:
        """What is fresh as (number that does not wrap, tick), by number, without what was told before."""
        first: dict[int, int] = {}
        highest = self._fresh[0][0] if self._next is None else self._next - 1
        for number, at in self._fresh:
            ahead = ((number - highest + 0x8000) & 0xFFFF) - 0x8000
            unwrapped = highest + ahead
            if ahead > 0:
                highest = unwrapped
                if ahead > WINDOW:
                    self._next, self._told = None, 0
                    first.clear()
            if not self._is_told(unwrapped):
                first.setdefault(unwrapped, round(at / TICK_S))
        self._fresh.clear()
        return self._within_window(first, highest)

    def _within_window(self, first: dict[int, int], highest: int) -> list[tuple[int, int]]:
        oldest = highest - WINDOW
        arrivals = sorted(item for item in first.items() if item[0] >= oldest)
        if self._next is None and arrivals:
            self._next = arrivals[0][0]
        return arrivals
