"""Sockets that do not speak the protocol: closed, and nothing else happens."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from server import narrow_socketio
from server.catalogue import Catalogue
from server.config import Settings
from server.keys import CATALOGUE, SETTINGS
from server.middlewares import tell_problems
from server.narrow_socketio import NarrowServer
from server.pages import STATIC_DIRECTORY

GOODBYE = "1"
PATH = "/socket.io/?EIO=4&transport=websocket"


@pytest.fixture
async def url(tmp_path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.setattr(narrow_socketio, "TOKEN_WITHIN_S", 0.3)
    sio = NarrowServer()

    async def connect(_sid: str, _environ: object, _auth: object) -> None:
        """Everybody is welcome."""

    sio.on("connect", connect)
    app = web.Application(middlewares=[tell_problems])
    app[CATALOGUE] = Catalogue.load(STATIC_DIRECTORY / "locales")
    app[SETTINGS] = Settings(data=tmp_path)
    app.router.add_get("/socket.io/", sio.serve)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await sio.shutdown()
    await runner.cleanup()


async def closes(url: str, *packets: str) -> bool:
    """Whether the server says goodbye within two seconds; it hangs up on whoever does not heed that a ping later."""
    async with aiohttp.ClientSession() as client, client.ws_connect(url + PATH) as socket:
        for packet in packets:
            await socket.send_str(packet)
        try:
            while await socket.receive_str(timeout=2) != GOODBYE:
                continue
        except TimeoutError:
            return False
        return True


async def test_who_never_shows_a_token_is_dropped(url: str) -> None:
    assert await closes(url)


async def test_who_joins_stays(url: str) -> None:
    assert not await closes(url, "40{}")


@pytest.mark.parametrize(
    "packet", ['459999999999-["m",{}]', '451-["m",{"_placeholder":true,"num":0}]', "42[]", "42{"]
)
async def test_packets_outside_the_protocol_end_the_connection(url: str, packet: str) -> None:
    assert await closes(url, "40{}", packet)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://["]
)
async def test_pages_of_other_sites_get_no_socket(url: str, origin: str) -> None:
    headers = {"Origin": origin, "Connection": "Upgrade", "Upgrade": "websocket"}
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(url + PATH, headers=headers)
    assert refused.value.status == 403
