"""Encoders on the real server: what ends the seat or the worker ends them, and an offer may come in pieces."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.seat import Seat
from tests.support.server import Api, Server, serving
from tests.support.streams import Publisher
from tests.support.wait import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


@pytest.fixture(autouse=True)
def logs() -> None:
    """The server of these tests is a process of its own, with a log of its own."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("whip") / "data") as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(server: Server) -> AsyncIterator[Api]:
    async with Api(server.origin) as api:
        await api.login()
        yield api


async def meeting_and_seat(api: Api) -> tuple[str, dict[str, str]]:
    """A new meeting and one seat of it."""
    meeting = (await api.create_meeting("Họp thử đường truyền"))["id"]
    return meeting, await api.seat(meeting, "Bộ mã hóa")


async def logged(api: Api, meeting: str, kind: str) -> None:
    """Return when an event of this type is in the meeting's log."""
    async with asyncio.timeout(10):
        while not await api.events(meeting, kind):  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.05)


async def test_an_offer_may_come_in_pieces(server, api, materials):
    meeting, seat = await meeting_and_seat(api)
    async with Publisher(server.origin, seat["token"]) as publisher:
        publisher.peer.addTransceiver("audio", direction="sendonly")
        await publisher.peer.setLocalDescription(await publisher.peer.createOffer())
        offer = publisher.peer.localDescription.sdp.encode()

        async def pieces():
            yield offer[:100]
            await asyncio.sleep(0.1)
            yield offer[100:]

        status, _, answer = await publisher.post(f"/whip/{meeting}", pieces())
    assert status == 201, answer


async def test_a_wrong_token_is_refused_before_the_offer_is_read(server, api):
    meeting, _ = await meeting_and_seat(api)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.listen_port)
    writer.write(
        f"POST /whip/{meeting} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n"
        "Content-Type: application/sdp\r\nContent-Length: 1000\r\n\r\n".encode()
    )
    assert b" 401 " in await asyncio.wait_for(reader.readline(), 3)
    writer.close()
    await until(lambda: '"seat_refused"' in server.log)


async def test_who_leaves_by_the_browser_stops_sending_by_whip(server, api, materials):
    meeting, seat = await meeting_and_seat(api)
    async with (
        Publisher(server.origin, seat["token"]) as publisher,
        Seat(server.origin, seat["token"]) as page,
    ):
        await publisher.publish(meeting, materials[0])
        await until(lambda: publisher.peer.connectionState == "connected", 10)
        await page.join()
        await page.ask("command", {"type": "leave"})
        await until(lambda: publisher.peer.connectionState == "closed", 10)
        assert await publisher.delete() == 404
    events = [event["type"] for event in await api.events(meeting)]
    assert events[-1] == "ParticipantLeft"


async def test_an_encoder_whose_worker_died_is_disconnected(server, api, materials):
    meeting, seat = await meeting_and_seat(api)
    async with Publisher(server.origin, seat["token"]) as publisher:
        await publisher.publish(meeting, materials[0])
        server.workers()[0].kill()
        await logged(api, meeting, "ParticipantDisconnected")


async def test_the_server_ends_at_once_though_a_socket_is_open(server, api):
    _, seat = await meeting_and_seat(api)
    page = Seat(server.origin, seat["token"])
    await page.connect()
    await page.join()
    began = time.monotonic()
    await server.stop()
    assert time.monotonic() - began < 3
    await page.client.disconnect()
