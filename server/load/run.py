"""A load from beginning to end: seats, processes of participants, what they counted and what the server used."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from server.load.errors import LoadError
from server.load.plan import Plan
from server.load.processes import CrewProcess, all_of
from server.load.report import Counted, Report, Worker
from server.load.site import Address, Counters, Site, visit

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


async def run(load: Load) -> Report:
    """Put it on the server. Raises LoadError; whatever happens, everybody leaves and the meeting ends."""
    async with joined(load) as session:
        await asyncio.sleep(load.warm_s)
        return await session.measure(load.duration_s)


@asynccontextmanager
async def joined(load: Load) -> AsyncIterator[Session]:
    """Everybody is in, sends and receives, until the block ends. Raises LoadError."""
    async with visit(load.address) as site, _meeting(load, site) as meeting:
        publishers = await _seats(load, site, meeting, "Publisher", load.publishers)
        subscribers = await _seats(load, site, meeting, "Subscriber", load.subscribers)
        async with _crews(load) as crews:
            before = await site.counters()
            joined_s = await _join(load, crews, publishers, subscribers)
            yield Session(load, site, crews, before, joined_s)


class Session:
    """A load that is on the server; may be measured again and again."""

    def __init__(
        self,
        load: Load,
        site: Site,
        crews: Sequence[CrewProcess],
        before: Mapping[str, Counters],
        joined_s: Sequence[float],
    ) -> None:
        self._load = load
        self._site = site
        self._crews = crews
        self._before = before
        self._joined_s = joined_s

    async def change(self, plan: Plan, warm_s: float) -> None:
        """Send at other rates and in other bursts from now on, for so long before anything is measured."""
        await self._order("change", plan=plan.to_json())
        await asyncio.sleep(warm_s)

    async def measure(self, seconds: float) -> Report:
        """Stop, let everything arrive, send for so long and count. Nothing is sent after it."""
        await self._order("pause")
        started = await self._site.counters()
        await self._order("send", seconds=seconds)
        ended = await self._site.counters()
        counted = Counted(await self._order("report"))
        participants = self._load.publishers + self._load.subscribers
        worker = Worker.of(self._before, started, ended, counted.seconds, participants)
        return Report.of(counted, self._load.plan.simulcast, self._joined_s, worker)

    async def _order(self, name: str, **order: Any) -> list[dict[str, Any]]:
        return await all_of(crew.order(name, **order) for crew in self._crews)


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


async def _join(
    load: Load,
    crews: Sequence[CrewProcess],
    publishers: list[dict[str, str]],
    subscribers: list[dict[str, str]],
) -> list[float]:
    """Everybody in; how long each subscriber took until all it wants came."""
    plan, step = load.plan.to_json(), len(crews)
    starts = [number / len(publishers) for number in range(len(publishers))]
    await all_of(
        crew.order("publish", seats=publishers[index::step], starts=starts[index::step], plan=plan)
        for index, crew in enumerate(crews)
    )
    owners = [seat["participant_id"] for seat in publishers[: load.watch or None]]
    tracks = [(owner, source) for owner in owners for source in load.plan.sources.values()]
    answers = await all_of(
        crew.order("watch", seats=subscribers[index::step], tracks=tracks, publishers=load.everybody)
        for index, crew in enumerate(crews)
    )
    return [joined for answer in answers for joined in answer["joined_s"]]
