"""What a publisher's packets did on their way here, told to the publisher."""

from collections import deque
from typing import Final

from sfu.transport_feedback import TICK_S, FeedbackWriter, TransportFeedback

# A publisher of 100 Mbit/s sends 500 packets in the 50 ms between two messages.
MOST_FRESH: Final = 4096
# How far back a packet may come late and still be told of, or ahead without the publisher having begun anew.
WINDOW: Final = 4096


class ArrivalLog:
    """Notes the arrivals of one publisher and turns them into feedback, each number told as received once.

    Numbers are told of in order, those that did not arrive too; what comes late gets a message of its own,
    so that its neighbours are not told of again as lost more often than need be. `media_ssrc` must be one of
    the publisher's streams, for libwebrtc takes no notice of other feedback.
    """

    def __init__(self, sender_ssrc: int, media_ssrc: int = 0) -> None:
        self._writer = FeedbackWriter(sender_ssrc, media_ssrc)
        self._fresh: deque[tuple[int, float]] = deque(maxlen=MOST_FRESH)
        self._told: set[int] = set()
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
            self._next = new[-1][0] + 1
        self._forget()
        return messages

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
                    self._next = None
                    first.clear()
            if unwrapped not in self._told:
                first.setdefault(unwrapped, round(at / TICK_S))
        self._fresh.clear()
        return self._within_window(first, highest)

    def _within_window(self, first: dict[int, int], highest: int) -> list[tuple[int, int]]:
        oldest = highest - WINDOW
        arrivals = sorted(item for item in first.items() if item[0] >= oldest)
        if self._next is None and arrivals:
            self._next = arrivals[0][0]
        self._told.update(number for number, _ in arrivals)
        return arrivals

    def _forget(self) -> None:
        if len(self._told) > 2 * WINDOW:
            oldest = self._expected - WINDOW
            self._told = {number for number in self._told if number >= oldest}
