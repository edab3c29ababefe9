"""The worker as the server sees it: a process at the other end of a socket."""

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sfu.__main__ import parse_arguments
from sfu.control import LONGEST_LINE, ControlClient, ControlError, decode_line, encode_line
from tests.sfu.calls import SOURCES, LightPublisher, light


class Control:
    """The server's end."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.connected = asyncio.Event()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.connected.set()

    async def read(self) -> Any:
        return json.loads(await asyncio.wait_for(self.reader.readline(), 10))

    async def call(self, line: object) -> Any:
        """The answer to a request; events in between are skipped."""
        self.writer.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
        while "id" not in (message := await self.read()):
            pass
        return message


@contextlib.asynccontextmanager
async def control() -> AsyncIterator[Control]:
    with tempfile.TemporaryDirectory() as folder:
        one = Control(str(Path(folder) / "control.sock"))
        server = await asyncio.start_unix_server(one.accept, one.path, limit=1 << 20)
        try:
            yield one
        finally:
            if one.connected.is_set():
                one.writer.close()
            server.close()


async def start(one: Control) -> asyncio.subprocess.Process:
    arguments = ["-m", "sfu", "--control", one.path, "--name", "sfu0", "--listen", "127.0.0.1", "--port", "0"]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.PIPE)
    await asyncio.wait_for(one.connected.wait(), 15)
    return process


async def test_a_worker_serves_and_leaves_with_the_server() -> None:
    publisher = LightPublisher()
    async with control() as one, light(publisher):
        process = await start(one)
        hello = await one.read()
        assert hello == {"hello": {"kind": "sfu", "name": "sfu0", "pid": process.pid}}
        offer = publisher.offer({"audio": (1,), "video": (2, 3)})
        params = {"meeting": "m", "peer": "p1", "owner": "o", "offer": offer, "sources": SOURCES}
        answer = await one.call({"id": 1, "method": "publish", "params": params})
        assert answer["id"] == 1
        assert {track["source"] for track in answer["result"]["tracks"]} == {"camera", "microphone"}
        await publisher.connect(answer["result"]["sdp"])
        states = [await one.read(), await one.read()]
        assert [event["params"]["state"] for event in states] == ["connecting", "connected"]
        stats = await one.call({"id": 2, "method": "peer_stats", "params": {"peer": "p1"}})
        assert stats["result"]["state"] == "connected"
        one.writer.close()
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert b"Traceback" not in await process.stderr.read()  # type: ignore[union-attr]


async def test_a_worker_leaves_in_order_when_told_to() -> None:
    async with control() as one:
        process = await start(one)
        assert (await one.call({"id": 1, "method": "stats"}))["result"]["peers"] == 0
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.parametrize(
    ("option", "value"), [("--port", "65536"), ("--port", "-1"), ("--port", "x"), ("--log-level", "LOUD")]
)
def test_a_wrong_command_line_is_named(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    required = ["--control", "c.sock", "--name", "sfu0", "--listen", "127.0.0.1"]
    assert parse_arguments(required).port == 10_000
    with pytest.raises(SystemExit) as left:
        parse_arguments([*required, f"{option}={value}"])
    assert left.value.code == 2
    assert f"argument {option}: invalid" in capsys.readouterr().err


REFUSED = [
    (b"not json\n", "message_invalid"),
    (b"[1]\n", "message_invalid"),
    (b"[" * 100_000 + b"\n", "message_invalid"),
    ({"id": 4, "method": "nothing"}, "method_unknown"),
    ({"id": 4, "method": "close"}, "method_unknown"),
    ({"id": 4, "method": ["stats"]}, "method_unknown"),
    ({"id": 4, "method": "fails"}, "refused"),
    ({"id": 4, "method": "breaks"}, "internal"),
    ({"id": 4, "method": "chatters"}, "reply_too_long"),
    (b'{"id": 4, "method": "' + "\N{SNOWMAN}".encode() * 200_000 + b'"}\n', "method_unknown"),
    ({"id": 4, "method": "works", "params": {"unknown": 1}}, "params_invalid"),
    ({"id": 4, "method": "works", "params": [1]}, "params_invalid"),
]


async def _works() -> dict[str, Any]:
    return {"fine": True}


async def _fails() -> dict[str, Any]:
    raise ControlError("refused", "not today")


async def _breaks() -> dict[str, Any]:
    raise RuntimeError("a fault")


async def _chatters() -> dict[str, Any]:
    return {"much": "x" * LONGEST_LINE}


@pytest.mark.parametrize(("line", "code"), REFUSED)
async def test_bad_requests_get_a_code_and_disturb_nothing(line: object, code: str) -> None:
    handlers = {"works": _works, "fails": _fails, "breaks": _breaks, "chatters": _chatters}
    async with control() as one:
        task = asyncio.create_task(ControlClient(one.path, "sfu", "x", handlers).run())
        await one.connected.wait()
        await one.read()
        assert (await one.call(line))["error"]["code"] == code
        assert (await one.call({"id": 9, "method": "works"})) == {"id": 9, "result": {"fine": True}}
        one.writer.close()
        await asyncio.wait_for(task, 5)


async def test_a_server_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfu.control._CONNECT_TRIES", 2)
    with pytest.raises(FileNotFoundError):
        await ControlClient("/nonexistent/control.sock", "sfu", "x", {}).run()


def test_lines_are_checked() -> None:
    with pytest.raises(ControlError):
        decode_line(b"\xff")


async def test_a_slow_method_holds_up_nobody(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def dig() -> dict[str, int]:
        await release.wait()
        return {"depth": 3}

    async def wave() -> dict[str, int]:
        release.set()
        return {}

    answers: list[dict[str, Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        for number, method in enumerate(("dig", "wave")):
            writer.write(encode_line({"id": number, "method": method, "params": {}}))
        answers.extend([decode_line(await reader.readline()) for _ in range(2)])
        writer.close()

    path, handlers = str(tmp_path / "c.sock"), {"dig": dig, "wave": wave}
    async with asyncio.timeout(5), await asyncio.start_unix_server(serve, path):
        await ControlClient(path, "recorder", "recorder", handlers, {"dig"}).run()
    assert [answer["id"] for answer in answers] == [1, 0]


async def test_a_slow_method_ends_with_the_server(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def dig() -> dict[str, int]:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(encode_line({"id": 0, "method": "dig", "params": {}}))
        writer.close()

    path = str(tmp_path / "c.sock")
    async with asyncio.timeout(5), await asyncio.start_unix_server(serve, path):
        await ControlClient(path, "recorder", "recorder", {"dig": dig}, {"dig"}).run()
    assert ended.is_set()


async def test_a_server_that_does_not_read_is_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        await release.wait()
        writer.close()

    path = str(tmp_path / "c.sock")
    async with asyncio.timeout(10), await asyncio.start_unix_server(serve, path):
        client = ControlClient(path, "sfu", "sfu0", {})
        running = asyncio.create_task(client.run())
        while not running.done():
            client.notify("news", text="x" * (LONGEST_LINE // 2))
            await asyncio.sleep(0)
        await running
        release.set()
    assert caplog.text.count("does not read") == 1
