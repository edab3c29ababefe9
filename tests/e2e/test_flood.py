"""A publisher that sends a hundred megabits a second: bounded and counted, and the others lose nothing by it."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.load.plan import Plan
from server.load.report import Report
from server.load.run import Load, Session, joined
from server.load.site import Address
from tests.conftest import Say
from tests.support.browser import until
from tests.support.server import PASSWORD, Api, Server

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Measured for so long, with the flood and without.
SECONDS = 2.0
FLOOD = Plan(audio_rate=0, video_rate=11_000, video_bytes=1_200, burst=50)
FLOOD_BPS = FLOOD.video_rate * FLOOD.video_bytes * 8
# A machine that is busy sends later than it means to; what it sends has to be far beyond what is let through.
LEAST_DROPPED_PER_S = 1_000
LIMITED = re.compile(r'^diemcau_sfu_packets_dropped_total\{.*reason="rate_limited".*\} (\S+)$', re.MULTILINE)


def load(server: Server, plan: Plan, subscribers: int) -> Load:
    """One publisher and so many subscribers in a meeting of their own."""
    return Load(
        Address(server.origin), plan, "admin", PASSWORD, subscribers=subscribers, processes=1, warm_s=0
    )


@pytest_asyncio.fixture(loop_scope="module")
async def quiet(server: Server) -> AsyncIterator[Session]:
    """A meeting that does nothing out of the ordinary."""
    async with joined(load(server, Plan(video_rate=60, burst=3), 3)) as session:
        yield session


async def limited(api: Api) -> float:
    """Packets dropped so far because their sender had no more budget."""
    _, body = await api.request("GET", "/metrics")
    return sum(float(count) for count in LIMITED.findall(body.decode()))


def told(report: Report) -> str:
    """What came of the quiet meeting."""
    return f"{report.received} of {report.expected}, {report.overflowed} not read in time, p99 {report.delay_ms.p99} ms"


async def test_others_lose_nothing_by_a_publisher_of_a_hundred_megabits(
    server: Server, api: Api, quiet: Session, say: Say
) -> None:
    alone = await quiet.measure(SECONDS)
    assert await limited(api) == 0
    async with joined(load(server, FLOOD, 0)):
        await until(lambda: limited(api), "the flood is noticed")
        before = await limited(api)
        beside = await quiet.measure(SECONDS)
        dropped = await limited(api) - before
    say(
        f"alone {told(alone)}; beside {FLOOD_BPS / 1e6:.0f} Mbit/s {told(beside)}, {dropped:.0f} of those dropped"
    )
    assert (alone.lost, alone.withheld) == (0, 0), told(alone)
    assert (beside.lost - beside.overflowed, beside.withheld) == (0, 0), told(beside)
    assert dropped >= LEAST_DROPPED_PER_S * SECONDS
