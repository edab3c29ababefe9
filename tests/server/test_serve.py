"""`diemcau serve` as a process: what it refuses to start on, and what it does about a worker that hangs."""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from server.config import Listen, Settings, SettingsError, TlsFiles
from server.serve import run
from tests.support.seat import Seat
from tests.support.server import ROOT, Api, Server, command, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that is starting; stopped at the end, its log read for tracebacks."""
    server = Server(tmp_path_factory.mktemp("house") / "data")
    try:
        server.start()
        yield server
        await server.stop()
        server.assert_log_clean()
    finally:
        server.discard()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(server: Server) -> AsyncIterator[Api]:
    """The administrator, signed in to a server that is ready."""
    async with Api(server.origin) as api:
        await server.ready()
        await api.login()
        yield api


async def test_nobody_is_answered_before_there_is_an_administrator(server: Server) -> None:
    await _reached(server)
    async with Api(server.origin) as api:
        await api.login()


async def _reached(server: Server) -> None:
    """Return as soon as somebody may connect."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", server.listen_port)
                writer.close()
                return
            await asyncio.sleep(0.01)


async def test_a_second_start_on_the_same_data_disturbs_nobody(server: Server, api: Api) -> None:
    meeting = await api.create_meeting("Đang họp")
    seat = await api.seat(meeting["id"], "Bùi Thị Lan")
    settings = {"DIEMCAU_DATA": str(server.data), "DIEMCAU_LISTEN": f"127.0.0.1:{free_port()}"}
    async with Seat(server.origin, seat["token"]) as lan:
        await lan.join()
        before = await api.events(meeting["id"])
        process = await asyncio.create_subprocess_exec(
            *command(), cwd=ROOT, env=os.environ | settings, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(30):
            _, said = await process.communicate()
        assert await api.events(meeting["id"]) == before
    assert process.returncode == 2
    assert said.decode() == f"diemcau: DIEMCAU_DATA: another server is running on {server.data}.\n"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("data", r"DIEMCAU_DATA cannot be used: .*/file/data Not a directory\."),
        ("listen", r"DIEMCAU_LISTEN cannot be used: Address already in use.*\."),
        ("tls", r"DIEMCAU_TLS: .*/file and .*/file do not serve: .*\."),
        ("media_port", r"DIEMCAU_MEDIA_PORT: 127\.0\.0\.1:\d+ cannot be used: Address already in use\."),
    ],
)
async def test_what_cannot_be_had_is_told_in_one_sentence(
    wrong: str, sentence: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.claims.MEDIA_PORTS_WITHIN_S", 0.1)
    (tmp_path / "file").write_text("no certificate")
    impossible = {
        "data": tmp_path / "file" / "data",
        "listen": Listen("127.0.0.1", server.listen_port),
        "tls": TlsFiles(tmp_path / "file", tmp_path / "file"),
        "media_port": server.media_port,
    }
    settings = {
        "data": tmp_path / "data",
        "listen": Listen("127.0.0.1", 0),
        "tls": "off",
        "media_address": "127.0.0.1",
        "sfu_workers": 1,
        wrong: impossible[wrong],
    }
    with pytest.raises(SettingsError) as refused:
        await run(Settings(**settings))
    assert re.fullmatch(sentence, str(refused.value))


async def test_media_over_http_is_described_as_it_is(api: Api) -> None:
    document = await api.ask("GET", "/api/v1/openapi.json")
    described = [
        (method, path)
        for path, item in document["paths"].items()
        for method in item
        if path.startswith(("/whip/", "/whep/"))
    ]
    assert len(described) == 4
    for method, path in described:
        asked = re.sub("[{}]", "", path)
        status, problem = await api.request(method, asked, headers={"Content-Type": "application/sdp"})
        assert (status, problem["code"]) == (401, "seat_invalid")


async def test_a_worker_that_hangs_is_told_of_and_replaced(server: Server, api: Api) -> None:
    meeting = await api.create_meeting("Không có hình")
    seat = await api.seat(meeting["id"], "Lan")
    headers = {"Authorization": f"Bearer {seat['token']}", "Content-Type": "application/sdp"}
    (worker,) = server.workers()
    worker.send_signal(signal.SIGSTOP)
    publishing = asyncio.create_task(
        api.request("POST", f"/whip/{meeting['id']}", headers=headers, data="v=0")
    )
    assert await _readiness(api, 503) == ["processes"]
    assert server.workers() == [worker]
    status, problem = await publishing
    assert (status, problem["code"]) == (503, "media_unavailable")
    assert await _readiness(api, 200) == []
    (successor,) = server.workers()
    assert successor.pid != worker.pid


async def _readiness(api: Api, expected: int) -> list[str]:
    """What fails once /readyz answers with this status."""
    async with asyncio.timeout(20):
        while True:
            status, answer = await api.request("GET", "/readyz")
            if status == expected:
                return answer["failed"]
            await asyncio.sleep(0.05)
