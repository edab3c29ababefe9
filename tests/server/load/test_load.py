"""`diemcau load` against the real server."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
import pytest_asyncio

from server.load.errors import LoadError
from server.load.plan import Plan
from server.load.run import Load, joined, run
from server.load.site import Address
from tests.support.server import PASSWORD, ROOT, Api, Server, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("load") / "data") as one:
        yield one


def load(server: Server, **values: Any) -> Load:
    given = {"username": "admin", "password": PASSWORD, "subscribers": 2, "duration_s": 1.0, "warm_s": 0.2}
    return Load(Address(server.origin), **given | values)


async def states(server: Server) -> list[str]:
    """The states of all meetings."""
    async with Api(server.origin) as api:
        await api.login()
        return [meeting["state"] for meeting in (await api.ask("GET", "/api/v1/meetings"))["meetings"]]


async def test_everybody_gets_everything(server: Server) -> None:
    """Two processes, and publishers who watch each other, too."""
    plan = Plan(video_rate=60, burst=3, audio_rate=50)
    report = await run(load(server, plan=plan, publishers=2, everybody=True, processes=2))
    assert report.subscriptions == 2 * 2 * 2 + 2 * 2
    assert report.expected == pytest.approx(report.subscriptions * 55, rel=0.1)
    assert (report.received, report.lost, report.duplicated) == (report.expected, 0, 0)
    assert report.worker is not None
    assert report.worker.packets_sent >= report.received
    assert 0 < report.delay_ms.p50 < 1_000
    assert 0 < report.joined_ms.most < 30_000
    assert set(await states(server)) == {"ended"}


async def test_rates_change_while_everybody_stays(server: Server) -> None:
    async with joined(
        load(server, plan=Plan(audio_rate=0, video_rate=30, burst=1), subscribers=1)
    ) as session:
        slow = await session.measure(0.5)
        await session.change(Plan(audio_rate=0, video_rate=200, burst=10), 0.1)
        fast = await session.measure(0.5)
    assert slow.received == pytest.approx(15, abs=2)
    assert fast.received == pytest.approx(100, abs=10)
    assert (slow.delivered, fast.delivered) == (1, 1)


async def test_by_a_link_the_meeting_goes_on(server: Server) -> None:
    async with Api(server.origin) as api:
        await api.login()
        meeting = await api.create_meeting("Họp giao ban")
        report = await run(load(server, meeting=meeting["code"], password="", subscribers=1))
        assert report.delivered == 1
        assert (await api.ask("GET", f"/api/v1/meetings/{meeting['id']}"))["state"] == "running"
        left = await api.events(meeting["id"], "ParticipantLeft")
        assert [event["data"]["reason"] for event in left] == ["left", "left"]
        await api.end(meeting["id"])


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"password": "sai"}, "sign_in_refused"),
        ({"meeting": "aaaa-bbbb-cccc"}, "meeting_unknown"),
        ({"address": Address("http://127.0.0.1:1")}, "server_unreachable"),
    ],
)
async def test_refusals_have_a_name(server: Server, values: dict[str, Any], code: str) -> None:
    address = values.pop("address", Address(server.origin))
    given = {"username": "admin", "password": PASSWORD} | values
    with pytest.raises(LoadError) as refused:
        await run(Load(address, **given))
    assert refused.value.code == code


async def command(server: Server, *options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "load", server.origin, "--password", PASSWORD, *options,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_the_command_tells_json(server: Server) -> None:
    process = await command(server, "--subscribers", "1", "--duration", "1", "--warm", "0", "--json")
    out, err = await process.communicate()
    assert process.returncode == 0, err
    assert json.loads(out)["delivered"] == 1


async def test_interrupted_it_leaves_in_order(server: Server) -> None:
    """Ctrl-C goes to the whole process group; here to the command and its child."""
    process = await command(server, "--subscribers", "1", "--duration", "60")
    while "running" not in await states(server):  # noqa: ASYNC110 - another process sets no event of ours
        await asyncio.sleep(0.1)
    children = psutil.Process(process.pid).children(recursive=True)
    for child in children:
        child.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert "running" not in await states(server)
    assert not any(child.is_running() for child in children)
