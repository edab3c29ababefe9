"""Where media is reached: over IPv6 alone, and behind a router at an address that is not this machine's own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from server.load import participant
from server.load.participant import Participant
from server.load.plan import Plan
from server.load.publisher import Publisher
from server.load.site import Address
from tests.support.network import has_ipv6
from tests.support.seat import Seat
from tests.support.server import Api, Server, serving
from tests.support.wait import until

PLAN = Plan(video_rate=60, burst=3)
PACKETS = 50
# Of the range for documentation: nobody's.
ROUTER = "203.0.113.9"


@contextlib.asynccontextmanager
async def reached_at(address: str, data: Path) -> AsyncIterator[tuple[Server, Api]]:
    """A server that tells browsers of this address for media."""
    settings = {"DIEMCAU_MEDIA_ADDRESS": address}
    async with serving(data, settings=settings) as server, Api(server.origin) as api:
        await api.login()
        yield server, api


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_media_goes_over_ipv6_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participant, "_ANY_HOST", "::1")
    async with reached_at("::1", tmp_path) as (server, api), aiohttp.ClientSession() as session:
        meeting = (await api.create_meeting("Họp qua IPv6"))["id"]
        seats = [await api.seat(meeting, f"Điểm cầu {number}") for number in range(2)]
        speaker, viewer = (Participant(Address(server.origin), session, seat) for seat in seats)
        try:
            await speaker.publish(PLAN, 0)
            await both_come(speaker, viewer)
            for peer in (speaker.publisher, viewer.subscriber):
                assert peer is not None
                assert peer.server == ("::1", server.media_port)
        finally:
            for one in (speaker, viewer):
                await one.leave()


async def both_come(speaker: Participant, viewer: Participant) -> None:
    """Sound and picture of one who publishes reach one who watches, whole."""
    assert speaker.publisher is not None
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(speaker.publisher.send_for(10))
        await viewer.watch((speaker.id, source) for source in PLAN.sources.values())
        assert viewer.subscriber is not None
        tallies = [viewer.subscriber.tallies[mid] for mid in viewer.watched]
        await until(lambda: all(tally.received >= PACKETS for tally in tallies), 8)
        sending.cancel()
    assert [tally.lost for tally in tallies] == [0, 0]


async def test_an_announced_address_is_told_and_all_of_ours_answer(tmp_path: Path) -> None:
    async with reached_at(ROUTER, tmp_path) as (server, api):
        meeting = (await api.create_meeting("Họp sau bộ định tuyến"))["id"]
        publisher = Publisher(PLAN)
        async with Seat(server.origin, (await api.seat(meeting, "Điểm cầu"))["token"]) as seat:
            await seat.join()
            answer = await seat.ask("publish", {"sdp": publisher.describe(), "sources": PLAN.sources})
            candidates = [line.split() for line in answer["sdp"].splitlines() if "a=candidate" in line]
            told = [(words[2].lower(), words[4], int(words[5])) for words in candidates]
            assert told == [("udp", ROUTER, server.media_port), ("tcp", ROUTER, server.media_port)]
            try:
                # What the router does: its address becomes one of the machine's.
                await publisher.begin(answer["sdp"].replace(ROUTER, "127.0.0.1"))
                assert publisher.connected
            finally:
                await publisher.close()
