"""What a subscription sent before it turned to other layers of the same stream."""

from copy import copy

from sfu.batch import Batch
from sfu.packet import MediaPacket
from sfu.rewriter import StreamRewriter
from sfu.stream import Stream
from sfu.view import View

# Browsers ask for a packet ten times, once in a round trip, and then give it up.
KEPT_S = 1.0

Found = tuple[MediaPacket, StreamRewriter]
"""A packet, and the differences between its numbers and the receiver's when it was sent."""


class Past:
    """A view that was left, kept for as long as the receiver may ask for what it lost of it.

    The turn needs no keyframe: without what was lost before it, nothing after it can be decoded either.
    """

    def __init__(self, stream: Stream, view: View, numbers: StreamRewriter, first: int, highest: int) -> None:
        self._stream = stream
        self._view = view
        self._numbers = copy(numbers)
        self._first, self._highest = first, highest
        self._until: float | None = None

    def take(self, batch: Batch) -> bool:
        """Remember what comes late; False when nobody will ask any more."""
        now = batch.packets[-1].arrival
        self._until = now + KEPT_S if self._until is None else self._until
        if now > self._until:
            return False
        if batch.stream is self._stream:
            batch.burst(self._view)
        return True

    def find(self, sequence_number: int) -> Found | None:
        """The packet that was sent, or should have been, with this number."""
        return find(self._view, self._numbers, self._first, self._highest, sequence_number)

    def close(self) -> None:
        """Let go of the view."""
        self._stream.leave(self._view)


class Pasts:
    """Those of one subscription; `held` is the list, the oldest first."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held: list[Past] = []

    def add(self, past: Past) -> None:
        """One more."""
        self.held.append(past)

    def take(self, batch: Batch) -> None:
        """Remember what comes late, and let go of what nobody asks for any more."""
        for past in [past for past in self.held if not past.take(batch)]:
            self.held.remove(past)
            past.close()

    def find(self, sequence_number: int) -> Found | None:
        """What was sent, or should have been, with this number before a turn."""
        return next((found for past in self.held if (found := past.find(sequence_number))), None)

    def close(self) -> None:
        """Let go of all."""
        while self.held:
            self.held.pop().close()


def find(view: View, numbers: StreamRewriter, first: int, highest: int, sequence_number: int) -> Found | None:
    """The packet that went, or should have gone, to the receiver with this number; None if it is not at hand."""
    sequence = numbers.source_sequence(sequence_number, highest)
    packet = view.history.get(sequence) if first <= sequence <= highest else None
    return (packet, numbers) if packet is not None else None
