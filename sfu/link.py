"""The way to one subscriber as the packets on it are numbered: all its copies share one sequence."""

from typing import Protocol


class Link(Protocol):
    """What a copy needs of the way it takes."""

    number: int
    """The transport-wide number of the next packet (draft-holmer-rmcat-transport-wide-cc-extensions), not wrapped."""

    def sent(self, first: int, count: int, octets: int, now: float) -> None:
        """So many packets from `first` on have left, `octets` in all."""
