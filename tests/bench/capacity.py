"""The highest rate that one worker on one core carries, and what it delays at half of that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from server.load.plan import Plan
from server.load.run import Session, joined
from tests.bench import ours
from tests.bench.result import Run

# Few enough that nobody receives more than an estimate of bandwidth may ever say.
PUBLISHERS, SUBSCRIBERS = 6, 100
SUBSCRIPTIONS = PUBLISHERS * SUBSCRIBERS
DELIVERED = 0.9999
# The target, and the factor from one attempt to the next.
RATE, STEP = 150, 1.15
_MOST_STEPS = 6
# Joining is not what is measured: with few packets it is quick.
_JOINING = Plan(audio_rate=0, video_rate=10, burst=1)


@asynccontextmanager
async def crowd(core: int) -> AsyncIterator[Session]:
    """600 video subscriptions on a fresh worker."""
    async with ours.server(core) as one, joined(ours.load(one, _JOINING, PUBLISHERS, SUBSCRIBERS)) as session:
        yield session


def plan(rate: int) -> Plan:
    """Video in frames of 5, at so many packets a second from each publisher."""
    return replace(_JOINING, video_rate=rate, burst=5)


async def highest(session: Session, warm_s: float, seconds: float) -> tuple[int, list[tuple[int, Run]]]:
    """The highest rate of a publisher at which enough was delivered, 0 for none; and every attempt."""
    attempts: list[tuple[int, Run]] = []
    first = await _attempt(session, RATE, warm_s, seconds, attempts)
    rate, best = float(RATE), RATE if first else 0
    for _ in range(_MOST_STEPS):
        rate = rate * STEP if first else rate / STEP
        passed = await _attempt(session, round(rate), warm_s, seconds, attempts)
        best = round(rate) if passed else best
        if passed != first:
            break
    return best, attempts


async def _attempt(
    session: Session, rate: int, warm_s: float, seconds: float, attempts: list[tuple[int, Run]]
) -> bool:
    run = await ours.measure(session, plan(rate), warm_s, seconds)
    attempts.append((rate, run))
    # Publishers that cannot keep their pace would flatter the worker; more than all are what it still owed.
    return abs(1 - run.delivered) <= 1 - DELIVERED and run.rate > 0.98 * rate * SUBSCRIPTIONS
