"""The participants of one process, and the orders they follow: one JSON object a line in, one out."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp

from server.load.errors import LoadError
from server.load.participant import Participant
from server.load.plan import Plan
from server.load.site import Address

# A crowd that opens a link; each handshake takes its time of our processor too.
_JOIN_AT_ONCE = 8
TICK_S = 0.08
# A connection sends in bursts when its process was late; what is on its way by then has come.
DRAIN_S = 0.4
_MOST_SAMPLES = 20_000
# Thousands of seats, or of counts.
LONGEST_LINE = 1 << 26

Order = dict[str, Any]


class Crew:
    """Joins, sends, counts, leaves, as told. Orders raise LoadError."""

    def __init__(self, address: Address, session: aiohttp.ClientSession) -> None:
        self._address = address
        self._session = session
        self._participants: list[Participant] = []
        self._sending: list[asyncio.Task[None]] = []
        self._sent_for_s = 0.0

    async def publish(self, order: Order) -> Order:
        """Take these seats and publish; sending goes on from here."""
        plan = Plan.from_json(order["plan"])
        publishers = self._seated(order["seats"])
        starts = zip(publishers, order["starts"], strict=True)
        await _some_at_once([one.publish(plan, start) for one, start in starts])
        self._send(math.inf)
        return {}

    async def watch(self, order: Order) -> Order:
        """Take these seats, and with them receive `tracks`; with `publishers`, who is there receives them too."""
        there = list(self._participants) if order["publishers"] else []
        subscribers = self._seated(order["seats"])
        tracks = [(owner, source) for owner, source in order["tracks"]]
        await _some_at_once([one.watch(tracks) for one in (*there, *subscribers)])
        return {"joined_s": [one.joined_s for one in subscribers]}

    def _seated(self, seats: list[dict[str, str]]) -> list[Participant]:
        seated = [Participant(self._address, self._session, seat) for seat in seats]
        self._participants += seated
        return seated

    async def change(self, order: Order) -> Order:
        """Send by another plan from now on."""
        await self._stop()
        for participant in self._participants:
            if participant.publisher is not None:
                participant.publisher.change(Plan.from_json(order["plan"]))
        self._send(math.inf)
        return {}

    async def pause(self, _: Order) -> Order:
        """Stop sending, wait for what is on its way, count from nothing."""
        await self._stop()
        await asyncio.sleep(DRAIN_S)
        for participant in self._participants:
            for peer in (participant.publisher, participant.subscriber):
                if peer is not None:
                    peer.restart()
        return {}

    async def send(self, order: Order) -> Order:
        """Send for so many seconds."""
        began = time.monotonic()
        self._send(order["seconds"])
        await asyncio.gather(*self._sending)
        self._sent_for_s = time.monotonic() - began
        await asyncio.sleep(DRAIN_S)
        return {}

    def _send(self, seconds: float) -> None:
        publishers = [one.publisher for one in self._participants if one.publisher is not None]
        self._sending = [asyncio.create_task(one.send_for(seconds), name="publisher") for one in publishers]

    async def _stop(self) -> None:
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def report(self, _: Order) -> Order:
        """What was sent and what came."""
        publishers = {one.id: one.publisher for one in self._participants if one.publisher is not None}
        subscribers = [one for one in self._participants if one.subscriber is not None]
        delays = [delay for one in subscribers if one.subscriber for delay in one.subscriber.delays_s]
        return {
            "sent": {name: publisher.sent for name, publisher in publishers.items()},
            "late_s": _thinned([late for publisher in publishers.values() for late in publisher.late_s]),
            "received": [row for one in subscribers for row in _rows(one)],
            "delays_s": _thinned(delays),
            "overflowed": sum(one.subscriber.overflowed for one in subscribers if one.subscriber),
            "seconds": self._sent_for_s,
            "closed": [one.closed for one in self._participants if one.closed],
        }

    async def leave(self, _: Order) -> Order:
        """Everybody leaves."""
        await self._stop()
        participants, self._participants = self._participants, []
        await _some_at_once([one.leave() for one in participants])
        return {}

    async def tick(self) -> None:
        """The clock of every connection, for ever."""
        while True:
            await asyncio.sleep(TICK_S)
            for participant in self._participants:
                participant.tick(time.monotonic())

    def orders(self) -> dict[str, Callable[[Order], Awaitable[Order]]]:
        """The table of orders."""
        orders = (self.publish, self.watch, self.change, self.pause, self.send, self.report, self.leave)
        return {order.__name__: order for order in orders}


def _rows(participant: Participant) -> list[tuple[str, str, int, int, int, int]]:
    assert participant.subscriber is not None
    rows = []
    for mid, (owner, source) in participant.watched.items():
        tally = participant.subscriber.tallies[mid]
        rows.append((owner, source, tally.received, tally.lost, tally.duplicated, tally.reordered))
    return rows


def _thinned(values: list[float]) -> list[float]:
    """Evenly fewer, and the greatest."""
    step = 1 + len(values) // _MOST_SAMPLES
    return [*values[::step], max(values)] if values else []


async def _some_at_once(work: list[Coroutine[Any, Any, None]]) -> None:
    """All of them, a few at a time; the first error ends the rest."""
    gate = asyncio.Semaphore(_JOIN_AT_ONCE)

    async def one(task: Coroutine[Any, Any, None]) -> None:
        async with gate:
            await task

    try:
        async with asyncio.TaskGroup() as group:
            for task in work:
                group.create_task(one(task))
    except* LoadError as errors:
        raise _first(errors) from None
    finally:
        for task in work:
            task.close()


def _first(errors: BaseExceptionGroup[Any]) -> LoadError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def serve() -> None:
    """Follow orders on standard input until it ends. The first line is the address."""
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None
    # Ctrl-C is the parent's, which then ends us in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGTERM, this.cancel)
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    address = Address(**json.loads(await reader.readline()))
    async with aiohttp.ClientSession(connector=address.connector()) as session, asyncio.TaskGroup() as group:
        crew = Crew(address, session)
        clock = group.create_task(crew.tick(), name="crew clock")
        try:
            while line := await reader.readline():
                sys.stdout.write(json.dumps(await _follow(crew, json.loads(line))) + "\n")
                sys.stdout.flush()
        except asyncio.CancelledError:
            # The parent has told us to go.
            this.uncancel()
        finally:
            await crew.leave({})
            clock.cancel()


async def _follow(crew: Crew, order: Order) -> Order:
    try:
        return await crew.orders()[order.pop("do")](order)
    except LoadError as error:
        return {"error": {"code": error.code, "sentence": error.sentence}}
