"""A load from beginning to end: seats, processes of participants, what they counted and what the server used."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from server.load.crew import LONGEST_LINE
from server.load.errors import LoadError
from server.load.plan import Plan
from server.load.report import Counted, Report, Worker
from server.load.site import Address, Site, visit

_STOP_WITHIN_S = 15.0
_PARTICIPANTS_A_PROCESS = 50


@dataclass(frozen=True, slots=True)
class Load:
    """Who joins and what they do. Of the two ways in, `meeting` is the code of somebody's link, else one is made.

    `watch` is how many publishers each subscriber sees, 0 for all; with `everybody` publishers see them too. After
    `warm_s`, in which estimates of bandwidth climb, counting begins.
    """

    address: Address
    plan: Plan = field(default_factory=Plan)
    username: str = ""
    password: str = ""
    meeting: str = ""
    publishers: int = 1
    subscribers: int = 40
    watch: int = 0
    everybody: bool = False
    duration_s: float = 30.0
    warm_s: float = 3.0
    processes: int = 0

    @property
    def crews(self) -> int:
        """How many processes, where it is not told: a few for many, no more than there are processors."""
        enough = -(-(self.publishers + self.subscribers) // _PARTICIPANTS_A_PROCESS)
        return self.processes or max(1, min(os.cpu_count() or 1, enough))


class CrewProcess:
    """One process of participants; see `server.load.crew`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, address: Address) -> Self:
        """Start it; it takes orders at once."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server.load",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE,
        )  # fmt: skip
        crew = cls(process)
        crew._write(asdict(address))
        return crew

    def _write(self, line: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    async def order(self, name: str, **order: Any) -> dict[str, Any]:
        """Give an order and wait until it is carried out. Raises LoadError."""
        assert self._process.stdout is not None
        self._write({"do": name, **order})
        line = await self._process.stdout.readline()
        if not line:
            raise LoadError("process_lost", "a process of the load has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise LoadError(**answer["error"])
        return answer

    async def stop(self) -> None:
        """Let everybody leave and end."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.communicate(), _STOP_WITHIN_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def _crews(load: Load) -> AsyncIterator[list[CrewProcess]]:
    crews = [await CrewProcess.start(load.address) for _ in range(load.crews)]
    try:
        yield crews
    finally:
        await asyncio.gather(*(crew.stop() for crew in crews))


@asynccontextmanager
async def _meeting(load: Load, site: Site) -> AsyncIterator[str]:
    """The id of a meeting of ours, which ends with the block, or the code of somebody else's."""
    if load.meeting:
        yield load.meeting
        return
    await site.sign_in(load.username, load.password)
    meeting = await site.create_meeting("Load")
    try:
        yield meeting
    finally:
        # One into which nobody came cannot end; it stays planned.
        with suppress(LoadError):
            await site.end_meeting(meeting)


async def _seats(load: Load, site: Site, meeting: str, word: str, count: int) -> list[dict[str, str]]:
    make = site.seat_by_link if load.meeting else site.seat
    return [await make(meeting, f"{word} {number + 1}") for number in range(count)]


async def run(load: Load) -> Report:
    """Put it on the server. Raises LoadError; whatever happens, everybody leaves and the meeting ends."""
    async with visit(load.address) as site, _meeting(load, site) as meeting:
        publishers = await _seats(load, site, meeting, "Publisher", load.publishers)
        subscribers = await _seats(load, site, meeting, "Subscriber", load.subscribers)
        async with _crews(load) as crews:
            before = await site.counters()
            joined_s = await _join(load, crews, publishers, subscribers)
            await asyncio.sleep(load.warm_s)
            await _everywhere(crews, "pause")
            started, begun = await site.counters(), time.monotonic()
            await _everywhere(crews, "send", seconds=load.duration_s)
            ended, seconds = await site.counters(), time.monotonic() - begun
            counted = Counted(await _everywhere(crews, "report"))
    worker = Worker.of(before, started, ended, seconds, load.publishers + load.subscribers)
    return Report.of(counted, load.plan, load.duration_s, joined_s, worker)


async def _join(
    load: Load,
    crews: Sequence[CrewProcess],
    publishers: list[dict[str, str]],
    subscribers: list[dict[str, str]],
) -> list[float]:
    """Everybody in; how long each subscriber took until all it wants came."""
    plan, step = load.plan.to_json(), len(crews)
    starts = [number / len(publishers) for number in range(len(publishers))]
    await _all(
        crew.order("publish", seats=publishers[index::step], starts=starts[index::step], plan=plan)
        for index, crew in enumerate(crews)
    )
    owners = [seat["participant_id"] for seat in publishers[: load.watch or None]]
    tracks = [(owner, source) for owner in owners for source in load.plan.sources.values()]
    answers = await _all(
        crew.order("watch", seats=subscribers[index::step], tracks=tracks, publishers=load.everybody)
        for index, crew in enumerate(crews)
    )
    return [joined for answer in answers for joined in answer["joined_s"]]


async def _everywhere(crews: Sequence[CrewProcess], name: str, **order: Any) -> list[dict[str, Any]]:
    return await _all(crew.order(name, **order) for crew in crews)


async def _all(orders: Iterable[Coroutine[Any, Any, dict[str, Any]]]) -> list[dict[str, Any]]:
    """At once; when one fails, nobody waits for the others."""
    tasks = [asyncio.create_task(order, name="order") for order in orders]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
