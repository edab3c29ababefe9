"""A sender's packet numbers as ours, which do not wrap and go on when its encoder begins anew."""

from typing import Final

from sfu.rewriter import WINDOW, ReplayWindow
from sfu.rtp import SequenceUnwrapper

# An encoder starts over when a device is changed, which is done by hand.
BEGIN_ANEW_INTERVAL_S: Final = 1.0


class Numbering:
    """Gives each packet its place, once."""

    def __init__(self) -> None:
        self._unwrapper = SequenceUnwrapper()
        self._window = ReplayWindow()
        self._shift = 0
        self._unexpected: int | None = None
        self._begun_at = float("-inf")

    @property
    def has_begun(self) -> bool:
        """Whether any packet has a place."""
        return self._window.highest is not None

    def place(self, sequence_number: int) -> int | None:
        """The packet's number without wrapping; None when it was given out already or is too old."""
        sequence = self._unwrapper.unwrap(sequence_number) + self._shift
        return sequence if self._window.accept(sequence) else None

    def is_new_beginning(self, sequence_number: int) -> bool:
        """Of a packet without a place: whether it is the second in a row that is far off (RFC 3550, A.1)."""
        expected, self._unexpected = self._unexpected, (sequence_number + 1) & 0xFFFF
        if sequence_number != expected or self._window.highest is None:
            return False
        return self._unwrapper.unwrap(sequence_number) + self._shift <= self._window.highest - WINDOW

    def begin_anew(self, sequence_number: int, now: float) -> bool:
        """The encoder goes on with other numbers, from this one. False when that was so a moment ago: it costs."""
        if self._window.highest is None or now - self._begun_at < BEGIN_ANEW_INTERVAL_S:
            return False
        self._begun_at = now
        self._unwrapper = SequenceUnwrapper()
        self._shift = self._window.highest + 1 - self._unwrapper.unwrap(sequence_number)
        return True
