"""The control link and the supervisor, with real sockets and real processes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.control import ChildGone, ChildLink, ControlServer
from server.supervisor import ChildCommand, Supervisor
from sfu.control import ControlClient, ControlError
from tests.support.wait import until

CHILD = """
import asyncio, sys
from sfu.control import ControlClient
async def pid():
    import os
    return {"pid": os.getpid()}
asyncio.run(ControlClient(sys.argv[1], "sfu", sys.argv[2], {"pid": pid}).run())
"""


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[ControlServer]:
    server = ControlServer(tmp_path / "control.sock")
    await server.start()
    yield server
    await server.close()


async def test_a_child_answers_refuses_and_reports(control: ControlServer) -> None:
    async def double(number: int) -> dict[str, int]:
        client.notify("doubled", number=number)
        return {"number": 2 * number}

    async def refuse() -> dict[str, int]:
        raise ControlError("sdp_invalid", "not today")

    reports: list[tuple[str, dict[str, Any]]] = []

    async def ask_back(child: ChildLink, name: str, params: dict[str, Any]) -> None:
        reports.append(
            (name, await child.request("double", number=100) if params["number"] == 21 else params)
        )

    control.on_event.append(ask_back)
    client = ControlClient(str(control.path), "sfu", "sfu0", {"double": double, "refuse": refuse})
    serving = asyncio.create_task(client.run())
    await until(lambda: control.children)
    child = control.children["sfu0"]
    assert await child.request("double", number=21) == {"number": 42}
    with pytest.raises(ControlError) as refusal:
        await child.request("refuse")
    assert refusal.value.code == "sdp_invalid"
    with pytest.raises(ControlError) as unknown:
        await child.request("nonsense")
    assert unknown.value.code == "method_unknown"
    await until(lambda: len(reports) == 2)
    assert reports[0] == ("doubled", {"number": 200})
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await until(lambda: not control.children)


async def test_what_is_waited_for_fails_when_the_child_goes(control: ControlServer) -> None:
    async def never() -> dict[str, int]:
        await asyncio.Event().wait()
        return {}

    client = ControlClient(str(control.path), "sfu", "sfu0", {"never": never})
    serving = asyncio.create_task(client.run())
    await until(lambda: control.children)
    waiting = asyncio.create_task(control.children["sfu0"].request("never"))
    await asyncio.sleep(0)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    with pytest.raises(ChildGone):
        await waiting


@pytest.mark.parametrize(
    "hello", [b"", b"\n", b"{}\n", b'{"hello": 1}\n', b'{"hello": {"kind": "sfu"}}\n', b"\xff\n"]
)
async def test_a_stranger_is_not_a_child(control: ControlServer, hello: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(control.path)
    writer.write(hello)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    assert not control.children


async def test_a_killed_child_comes_back(control: ControlServer) -> None:
    gone = asyncio.Event()

    async def note(_: ChildLink) -> None:
        gone.set()

    control.on_gone.append(note)
    argv = [sys.executable, "-c", CHILD, str(control.path), "sfu0"]
    supervisor = Supervisor([ChildCommand("sfu0", argv)])
    await supervisor.start()
    try:
        await until(lambda: control.children)
        first = (await control.children["sfu0"].request("pid"))["pid"]
        os.kill(first, signal.SIGKILL)
        await asyncio.wait_for(gone.wait(), 5)
        await until(lambda: control.children)
        assert (await control.children["sfu0"].request("pid"))["pid"] != first
    finally:
        await supervisor.close()
    await until(lambda: not control.children)


async def test_a_child_that_is_busy_with_a_request_is_not_stuck(
    control: ControlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.control.PING_INTERVAL_S", 0.02)
    stuck: list[ChildLink] = []
    control.on_stuck.append(stuck.append)
    done = asyncio.Event()

    async def long() -> dict[str, int]:
        await done.wait()
        return {}

    client = ControlClient(str(control.path), "recorder", "recorder", {"long": long})
    serving = asyncio.create_task(client.run())
    await until(lambda: control.children)
    waiting = asyncio.create_task(control.children["recorder"].request("long"))
    await asyncio.sleep(0.4)
    await control.check()
    assert not stuck
    done.set()
    await waiting
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_stopped_child_is_told_of_and_replaced(
    control: ControlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.control.PING_INTERVAL_S", 0.1)
    argv = [sys.executable, "-c", CHILD, str(control.path), "sfu0"]
    supervisor = Supervisor([ChildCommand("sfu0", argv)])
    control.on_stuck.append(lambda child: supervisor.restart(child.name))
    await supervisor.start()
    try:
        await until(lambda: control.children)
        first = control.children["sfu0"]
        os.kill(first.pid, signal.SIGSTOP)
        await until(lambda: first.is_quiet)
        with pytest.raises(ControlError, match="no answer from sfu0"):
            await control.check()
        with pytest.raises(ChildGone):
            await first.request("pid")
        await until(lambda: control.of_kind("sfu") not in ([], [first]))
        await control.check()
        with pytest.raises(ChildGone):
            await first.request("pid")
    finally:
        await supervisor.close()
