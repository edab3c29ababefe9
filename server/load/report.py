"""What a load has shown, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

from server.load.site import Counters
from server.load.tally import percentile


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the values of a sample lie."""

    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float], scale: float = 1.0) -> Self:
        """Of the values times `scale`; nothing is 0."""
        return cls(*(round(percentile(values, share) * scale, 3) for share in (0.5, 0.99, 1.0)))


@dataclass(frozen=True, slots=True)
class Worker:
    """The media worker that carried the meeting: its processor time while we counted, all its senders together.

    `memory_kb` is what came to it for each participant since before the first joined; None where it is not told.
    """

    name: str
    cpu_us_a_packet: float
    cpu_share: float
    packets_sent: int
    memory_kb: float | None

    @classmethod
    def of(
        cls,
        before: Mapping[str, Counters],
        started: Mapping[str, Counters],
        ended: Mapping[str, Counters],
        seconds: float,
        participants: int,
    ) -> Self | None:
        """The worker that sent most from `started` to `ended`; None where the server shows no counters.

        `before` is from when nobody was there.
        """
        sent = {name: one.sent - started[name].sent for name, one in ended.items() if name in started}
        name = max(sent, key=lambda one: sent[one], default="")
        if not name or not sent[name]:
            return None
        first, last, at_first = started[name], ended[name], before.get(name)
        cpu_s = last.cpu_s - first.cpu_s
        grown = last.resident_kb - at_first.resident_kb if at_first and last.resident_kb else None
        return cls(
            name=name,
            cpu_us_a_packet=cpu_s / sent[name] * 1e6,
            cpu_share=cpu_s / seconds,
            packets_sent=int(sent[name]),
            memory_kb=None if grown is None else grown / participants,
        )


class Row(NamedTuple):
    """One subscription's packets."""

    owner: str
    source: str
    received: int
    lost: int
    duplicated: int
    reordered: int


class Counted:
    """What all processes counted, together; `sent` is by participant and source."""

    def __init__(self, reports: Sequence[Mapping[str, Any]]) -> None:
        self.sent: dict[str, dict[str, int]] = {}
        for report in reports:
            self.sent |= report["sent"]
        self.rows = [Row(*row) for report in reports for row in report["received"]]
        self.delays_s = [delay for report in reports for delay in report["delays_s"]]
        self.late_s = [late for report in reports for late in report["late_s"]]
        self.overflowed = sum(report["overflowed"] for report in reports)
        self.seconds = max(report["seconds"] for report in reports)
        self.closed = [code for report in reports for code in report["closed"]]


@dataclass(frozen=True, slots=True)
class Report:
    """Packets are those of the time that was counted.

    `lost` left a hole in a subscriber's sequence numbers; `withheld` the server chose not to send, by its own
    numbering: because of bandwidth, of layers, or of a publisher's packets that it never got. `overflowed` of the
    lost came, but were not read in time. `delay_ms` is from before our encryption to the arrival in our kernel,
    `lag_ms` by how much our own sending came late.
    """

    subscriptions: int
    expected: int
    received: int
    lost: int
    withheld: int
    overflowed: int
    duplicated: int
    reordered: int
    delivered: float
    packets_per_s: float
    joined_ms: Spread
    delay_ms: Spread
    lag_ms: Spread
    worker: Worker | None
    closed: tuple[str, ...]

    @classmethod
    def of(cls, counted: Counted, simulcast: bool, joined_s: Sequence[float], worker: Worker | None) -> Self:
        """From what the processes counted."""
        rows = counted.rows
        received, lost = sum(row.received for row in rows), sum(row.lost for row in rows)
        # Of several encodings a subscriber gets one at a time; its numbering alone tells how much that was.
        whole = [simulcast and row.source == "camera" for row in rows]
        expected = sum(
            row.received + row.lost if of_several else counted.sent[row.owner].get(row.source, 0)
            for row, of_several in zip(rows, whole, strict=True)
        )
        return cls(
            subscriptions=len(rows),
            expected=expected,
            received=received,
            lost=lost,
            withheld=max(0, expected - received - lost),
            overflowed=counted.overflowed,
            duplicated=sum(row.duplicated for row in rows),
            reordered=sum(row.reordered for row in rows),
            delivered=received / expected if expected else 0.0,
            packets_per_s=received / counted.seconds,
            joined_ms=Spread.of(joined_s, 1000),
            delay_ms=Spread.of(counted.delays_s, 1000),
            lag_ms=Spread.of(counted.late_s, 1000),
            worker=worker,
            closed=tuple(counted.closed),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """A table for people."""
        rows = {
            "subscriptions": f"{self.subscriptions}",
            "joined": f"{_told(self.joined_ms)} ms until all tracks came",
            "delivered": f"{self.delivered:.4%} of {self.expected:,} packets, {self.packets_per_s:,.0f}/s",
            "": f"{self.lost} lost ({self.overflowed} of them by this tool), {self.withheld} withheld, "
            f"{self.duplicated} twice, {self.reordered} late",
            "delay": f"{_told(self.delay_ms)} ms",
            "own lag": f"{_told(self.lag_ms)} ms of this tool's sending",
            **_worker_rows(self.worker),
        }
        yield from (f"{name:<14}{text}" for name, text in rows.items())
        if self.closed:
            yield f"{len(self.closed)} connections were closed by the server: {', '.join(sorted(set(self.closed)))}"


def _told(spread: Spread) -> str:
    return f"p50 {spread.p50:.2f}, p99 {spread.p99:.2f}, most {spread.most:.2f}"


def _worker_rows(worker: Worker | None) -> dict[str, str]:
    if worker is None:
        return {"worker": "not known: the server does not show its counters (/metrics) here"}
    memory = "not told" if worker.memory_kb is None else f"{worker.memory_kb:.0f} kB a participant"
    return {
        "worker": f"{worker.name}: {worker.cpu_us_a_packet:.2f} µs of CPU a forwarded packet",
        "worker load": f"{worker.cpu_share:.0%} of a core, {worker.packets_sent:,} packets",
        "memory": memory,
    }
