"""What a receiver's requests may cost."""

from typing import Final

from sfu.drops import DropReason

# What is sent again may cost a fifth of what is sent, after a start that lets one lost keyframe through; on a line
# that loses more, so many times what it loses, for what is sent again is lost too, and so are the requests.
RESEND_SHARE: Final = 0.2
PER_LOSS: Final = 3.0
MOST_SHARE: Final = 1.0
# Whoever asks once in a round trip does not meet it exactly.
_EARLY: Final = 0.7
# Where so much is lost a request and its answer go out twice: a repair ends in two round trips instead of three.
TWICE_FROM: Final = 0.15
RESEND_BURST_BYTES: Final = 100_000
_MOST_RESENT: Final = 2048
# No round trip that we reckon with is longer.
_MOST_RTT_S: Final = 1.0


class ResendBudget:
    """Each packet at most once in a round trip, all within a share of what is sent; `loss` is the line's."""

    def __init__(self) -> None:
        self.resent = 0
        self._loss = 0.0
        self._share = RESEND_SHARE
        self._octets = float(RESEND_BURST_BYTES)
        self._resent_at: dict[int, float] = {}

    def earn(self, octets: int) -> None:
        """So much was sent the first time."""
        self._octets += octets * self._share

    @property
    def loss(self) -> float:
        """The share of packets that the line loses."""
        return self._loss

    @loss.setter
    def loss(self, loss: float) -> None:
        self._loss = loss
        self._share = min(MOST_SHARE, max(RESEND_SHARE, PER_LOSS * loss))

    @property
    def copies(self) -> int:
        """How often an answer is sent."""
        return 2 if self.loss >= TWICE_FROM else 1

    def refusal(self, sequence: int, octets: int, now: float, rtt_s: float) -> DropReason | None:
        """Why the packet of this number, as the receiver knows it, may not be sent again now; None when it may, and
        then it counts as done."""
        if now - self._resent_at.get(sequence, float("-inf")) < _EARLY * rtt_s:
            return DropReason.NACK_REPEATED
        octets *= self.copies
        if octets > self._octets:
            return DropReason.NACK_OVER_BUDGET
        self._octets = min(self._octets, RESEND_BURST_BYTES) - octets
        self._remember(sequence, now)
        self.resent += 1
        return None

    def _remember(self, sequence: int, now: float) -> None:
        if len(self._resent_at) >= _MOST_RESENT:
            recent = {key: at for key, at in self._resent_at.items() if now - at < _MOST_RTT_S}
            self._resent_at = recent if len(recent) < _MOST_RESENT else {}
        self._resent_at[sequence] = now
