"""`python -m tests.bench`: what our media worker costs and carries, beside Janus and beside the bare system call.

Every figure is measured with the same light peers of `server.load`, in this run, the forwarding process on a core
of its own and everything else on the others. BENCH_S is how many seconds a run takes. The results are printed and
written to RESULTS.md beside this file.
"""

import asyncio
import datetime
import os
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from server.load.plan import Plan
from server.load.run import joined
from sfu.memory import INTERVAL_S
from sfu.transport import SETTLED_S
from tests.bench import capacity, janus, machine, ours
from tests.bench.floor import floor_us
from tests.bench.ours import Crowd
from tests.bench.result import Run, middle, told

RUNS = 3
MEASURE_S = float(os.environ.get("BENCH_S", "5"))
# Estimates of bandwidth climb to what is sent before anything is counted: what they withhold is not delivered.
WARM_S, CLIMB_S, FIRST_WARM_S = 1.0, 10.0, 10.0
# Handshakes are forgotten, and their memory given back, after some seconds.
MEMORY_WARM_S = SETTLED_S + INTERVAL_S + 3.0
SUBSCRIBERS = 40
LENGTH = 1_100
MEMORY_PARTICIPANTS, MEMORY_WATCHED = 40, 9

CASES = {
    "50 audio + 150 video packets/s, single": Plan(audio_bytes=LENGTH, burst=1),
    "50 audio + 150 video packets/s, frames of 5": Plan(audio_bytes=LENGTH, burst=5),
    "550 video packets/s, frames of 20": Plan(audio_rate=0, video_rate=550, burst=20),
}
SIMULCAST_CASE = "50 audio + 150 video packets/s, frames of 5, of the largest of three encodings"
RESULTS = Path(__file__).with_name("RESULTS.md")


class Paper:
    """The lines of RESULTS.md, printed as they come."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, *lines: str) -> None:
        """Some more."""
        self.lines += lines
        print(*lines, sep="\n", flush=True)


async def compare(paper: Paper, core: int) -> None:
    """One publisher and 40 subscribers, ours and Janus's in turn."""
    missing = janus.missing()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ours.server(core))
        first = next(iter(CASES.values()))
        session = await stack.enter_async_context(joined(ours.load(server, first, 1, SUBSCRIBERS)))
        room = None if missing else await stack.enter_async_context(janus.room(first, SUBSCRIBERS, core))
        await session.change(first, FIRST_WARM_S)
        paper.add(f"## One publisher, {SUBSCRIBERS} subscribers", "")
        paper.add(
            "| packets of 1,100 bytes | ours, CPU µs a packet | Janus | ours / Janus | bare `sendto` | bare GSO |"
        )
        paper.add("|---|---|---|---|---|---|")
        delivered = []
        for name, plan in CASES.items():
            own, rival = [], []
            for _ in range(RUNS):
                own.append(await ours.measure(session, plan, WARM_S, MEASURE_S))
                if room is not None:
                    rival.append(await room.measure(plan, WARM_S, MEASURE_S))
            paper.add(_row(name, plan, own, rival))
            delivered += [_delivered(name, own, rival)]
        paper.add("", *delivered, "")
        if missing:
            paper.add(f"Janus was left out: {missing}.", "")


def _row(name: str, plan: Plan, own: list[Run], rival: list[Run]) -> str:
    cost = _cpu_us
    beside = (told(rival, cost), f"{middle(own, cost) / middle(rival, cost):.2f}") if rival else ("–", "–")
    floors = floor_us(LENGTH, 1), floor_us(LENGTH, plan.burst)
    return f"| {name} | {told(own, cost)} | {' | '.join(beside)} | {floors[0]:.2f} | {floors[1]:.2f} |"


def _delivered(name: str, own: list[Run], rival: list[Run]) -> str:
    def words(runs: list[Run]) -> str:
        delay = f"p50 {told(runs, _p50)} ms, p99 {told(runs, _p99)} ms"
        return f"{min(run.delivered for run in runs):.4%} delivered, delay {delay}"

    return f"- {name}: {words(own)}" + (f"; Janus {words(rival)}" if rival else "") + "."


async def layered(paper: Paper, core: int) -> None:
    """The same with three encodings at the publisher, of which a subscriber gets the one that it needs."""
    plan = Plan(audio_bytes=LENGTH, burst=5, simulcast=True)
    async with ours.server(core) as server, joined(ours.load(server, plan, 1, SUBSCRIBERS)) as session:
        await session.change(plan, FIRST_WARM_S)
        runs = [await ours.measure(session, plan, WARM_S, MEASURE_S) for _ in range(RUNS)]
    paper.add("With simulcast, ours alone; delivered is what the subscribers' own numbering says:", "")
    rate = middle(runs, lambda run: run.rate)
    paper.add(
        f"{_delivered(SIMULCAST_CASE, runs, [])} {told(runs, _cpu_us)} µs of CPU for each of {rate:,.0f}/s.",
        "",
    )


async def carry(paper: Paper, core: int) -> None:
    """One worker on one core: the highest rate, and the delay at half of it."""
    paper.add(f"## One worker, one core, {capacity.SUBSCRIPTIONS} video subscriptions in frames of 5", "")
    async with capacity.crowd(core) as session:
        await session.change(capacity.plan(capacity.RATE), FIRST_WARM_S)
        best, attempts = await capacity.highest(session, CLIMB_S, MEASURE_S)
        paper.add(
            "| packets/s of a subscription | packets/s forwarded | delivered | of a core | CPU µs a packet |"
        )
        paper.add("|---|---|---|---|---|")
        paper.add(*(_attempt(rate, run) for rate, run in sorted(attempts, key=lambda one: one[0])), "")
        paper.add(
            f"Highest with {capacity.DELIVERED:.2%} delivered: {best} packets/s a subscription. More than all is what",
            "was still owed from the attempt before.",
        )
        half = capacity.plan(max(5, (best or capacity.RATE) // 2))
        runs = [await ours.measure(session, half, WARM_S, MEASURE_S) for _ in range(RUNS)]
    words = f"p50 {told(runs, _p50)} ms, p99 {told(runs, _p99)} ms"
    share, least = middle(runs, lambda run: run.cpu_share), min(run.delivered for run in runs)
    paper.add(f"Delay added at half of that ({share:.0%} of the core): {words}; {least:.4%} delivered.", "")


def _attempt(rate: int, run: Run) -> str:
    return f"| {rate} | {run.rate:,.0f} | {run.delivered:.4%} | {run.cpu_share:.0%} | {run.cpu_us:.2f} |"


async def remember(paper: Paper, core: int) -> None:
    """Memory of a participant, by what it does."""
    crowd, watched = MEMORY_PARTICIPANTS, MEMORY_WATCHED
    both = f"of {crowd} who publish camera and microphone, each receiving {watched} of the others"
    cases = {
        f"{both}, one encoding": Crowd(Plan(), crowd, 0, watched),
        f"{both}, simulcast": Crowd(Plan(simulcast=True), crowd, 0, watched),
        f"of {crowd} who only receive one camera and microphone": Crowd(Plan(), 1, crowd, 1),
    }
    paper.add("## Memory of the worker", "")
    for name, one in cases.items():
        grown = await ours.memory_kb(core, one, MEMORY_WARM_S)
        paper.add(f"- {grown:.0f} kB for each {name}; with histories, statistics and feedback.")
    paper.add("")


def _cpu_us(run: Run) -> float:
    return run.cpu_us


def _p50(run: Run) -> float:
    return run.delay_p50_ms


def _p99(run: Run) -> float:
    return run.delay_p99_ms


def head(load_before: float) -> Iterator[str]:
    """Where and when."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    rival = "without Janus" if janus.missing() else f"Janus {janus.version()}"
    yield "# What the media worker costs and carries"
    yield ""
    yield f"`make bench` on {today}: {machine.described()}; {rival}."
    yield ""
    yield f"Medians of {RUNS} runs of {MEASURE_S:g} s, lowest and highest in brackets. The forwarding process has a"
    yield "core of its own; the clients share the others."
    yield f"Load average when it began: {load_before:.1f}. Other work on the machine shows in processor time as well"
    yield "(caches are shared, and a worker that has to wait handles larger batches), but most in delays and in the"
    yield "highest rate: where it was above 0.5, only the ratios mean something."
    yield ""


async def main() -> None:
    """All cases, one after another."""
    core, others = machine.cores()
    os.sched_setaffinity(0, others)
    paper, began = Paper(), time.monotonic()
    paper.add(*head(machine.load_average()))
    for part in (compare, layered, carry, remember):
        await part(paper, core)
    paper.add(
        f"Load average at the end: {machine.load_average():.1f}; {time.monotonic() - began:.0f} s in all."
    )
    RESULTS.write_text("\n".join(paper.lines) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
