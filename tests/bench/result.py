"""What one run showed, and several runs together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Run:
    """CPU µs of the forwarding process a packet, the share that arrived, packets a second, added delay.

    `cpu_share` is that process's part of its core. What reached our sockets has arrived, read in time or not.
    """

    cpu_us: float
    delivered: float
    rate: float
    cpu_share: float
    delay_p50_ms: float
    delay_p99_ms: float


def middle(runs: Sequence[Run], value: Callable[[Run], float]) -> float:
    """The median."""
    return median(value(run) for run in runs)


def told(runs: Sequence[Run], value: Callable[[Run], float]) -> str:
    """The median, and from where to where."""
    values = [value(run) for run in runs]
    return f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})"
