"""Our own server as installed, its one media worker on a core of its own, loaded by `server.load`."""

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from server.load.plan import Plan
from server.load.report import Report
from server.load.run import Load, Session, joined
from server.load.site import Address
from tests.bench.result import Run
from tests.support.server import PASSWORD, Server


def pin(process: int, core: int) -> None:
    """All threads of a process to one core; those it starts later follow."""
    for thread in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


@contextlib.asynccontextmanager
async def server(core: int) -> AsyncIterator[Server]:
    """A fresh one, its worker alone on `core`."""
    with tempfile.TemporaryDirectory() as folder:
        one = Server(Path(folder) / "data")
        try:
            one.start()
            await one.ready()
            pin(one.workers()[0].pid, core)
            yield one
            await one.stop()
        finally:
            one.discard()


def load(
    one: Server, plan: Plan, publishers: int, subscribers: int, *, everybody: bool = False, watch: int = 0
) -> Load:
    """A meeting of so many, all in one process."""
    return Load(
        Address(one.origin), plan, "admin", PASSWORD, publishers=publishers, subscribers=subscribers,
        everybody=everybody, watch=watch, processes=1,
    )  # fmt: skip


async def measure(session: Session, plan: Plan, warm_s: float, seconds: float) -> Run:
    """One run of an already joined load."""
    await session.change(plan, warm_s)
    return run_of(await session.measure(seconds))


def run_of(report: Report) -> Run:
    """The figures that are compared; as with Janus, all processor time is for the packets that arrived."""
    assert report.worker is not None, "our own server shows its counters"
    return Run(
        cpu_us=report.worker.cpu_share / max(1.0, report.packets_per_s) * 1e6,
        # What overflowed may also have been a probe or a report.
        delivered=(report.received + min(report.overflowed, report.lost)) / report.expected,
        rate=report.packets_per_s,
        cpu_share=report.worker.cpu_share,
        delay_p50_ms=report.delay_ms.p50,
        delay_p99_ms=report.delay_ms.p99,
    )


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who is in a meeting: publishers see `watch` publishers when there are no subscribers, else these do."""

    plan: Plan
    publishers: int
    subscribers: int
    watch: int


async def memory_kb(core: int, crowd: Crowd, warm_s: float) -> float:
    """kB that a fresh worker grows for each participant."""
    async with server(core) as one:
        worker = psutil.Process(one.workers()[0].pid)
        empty = worker.memory_info().rss
        everybody = not crowd.subscribers
        full = load(
            one, crowd.plan, crowd.publishers, crowd.subscribers, everybody=everybody, watch=crowd.watch
        )
        async with joined(full) as session:
            await session.change(crowd.plan, warm_s)
            grown = worker.memory_info().rss - empty
    return grown / 1024 / (crowd.publishers + crowd.subscribers)
