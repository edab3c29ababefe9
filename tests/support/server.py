"""The real product, started as its user starts it, and a client of its HTTP interface."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import psutil

from tests.support.machine import slowness

PASSWORD = "một mật khẩu đủ dài để thử"
START_WITHIN_S = 30
STOP_WITHIN_S = 15
ROOT = Path(__file__).parents[2]
# Below those of net.ipv4.ip_local_port_range, which begin at 32768.
UNLENT_PORTS = range(20_000, 32_000)
# Of util-linux: a program that is stopped in order when we are no more, even if we are killed.
ENDED_WITH_US = ("setpriv", "--pdeathsig", "TERM")


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody uses now, for TCP and UDP, and which the kernel will not lend to a client meanwhile."""
    for number in random.sample(UNLENT_PORTS, 100):
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((host, number))
        except OSError:
            continue
        return number
    raise AssertionError("a hundred ports, and each is taken")


@dataclass
class Server:
    """`diemcau serve` on free ports of an address of this machine, with its data in a directory of the test."""

    data: Path
    tls: str = "off"
    listen_port: int = field(default_factory=free_port)
    media_port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"
    ready_s: float = 0.0

    def __post_init__(self) -> None:
        self.log_path = self.data.with_name(f"{self.data.name}.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._children: list[psutil.Process] = []

    @property
    def origin(self) -> str:
        """What a person types into the browser."""
        return f"{'http' if self.tls == 'off' else 'https'}://{self.address}:{self.listen_port}"

    @property
    def log(self) -> str:
        """Everything it said, over all its starts."""
        return self.log_path.read_text("utf-8", "replace")

    @property
    def pid(self) -> int:
        """The server's own process."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Start without waiting."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*ENDED_WITH_US, *command()],
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self, within_s: float = START_WITHIN_S) -> None:
        """Wait until it serves; `ready_s` then tells how long that took, or would on an idle machine."""
        before, started = slowness(), time.monotonic()
        async with aiohttp.ClientSession() as client:
            while not await self._answers(client):
                assert self._process is not None
                assert self._process.poll() is None, f"stopped while starting:\n{self.log}"
                assert time.monotonic() - started < within_s, f"not ready within {within_s} s:\n{self.log}"
                await asyncio.sleep(0.1)
        self.ready_s = (time.monotonic() - started) / max(before, slowness())
        self._children = self.children()

    def children(self, word: str = "") -> list[psutil.Process]:
        """Its living child processes, of all or with a word in their command line."""
        try:
            children = psutil.Process(self.pid).children(recursive=True)
            return [child for child in children if any(word in part for part in child.cmdline())]
        except psutil.NoSuchProcess:
            return []

    def workers(self) -> list[psutil.Process]:
        """The SFU workers."""
        return self.children("sfu")

    def recorder(self) -> psutil.Process:
        """The recorder process."""
        return self.children("recording")[0]

    def kill(self) -> None:
        """The worst that can happen to the server process; its children are left to notice."""
        self._children = self.children()
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def stop(self) -> None:
        """Stop as a service manager does; assert that it ends in time and leaves no process behind."""
        if self._process is None or self._process.poll() is not None:
            return
        self._children = self.children()
        self._process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self._process.wait, STOP_WITHIN_S)
        await self.children_gone()

    async def children_gone(self, within_s: float = 5) -> None:
        """Assert that the children that were there are gone."""
        _, alive = await asyncio.to_thread(psutil.wait_procs, self._children, within_s)
        assert not alive, f"left behind: {alive}"

    def discard(self) -> None:
        """Leave nothing running, whatever happened before."""
        if self._process is None:
            return
        for process in {*self._children, *self.children()}:
            if process.is_running():
                process.kill()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def assert_log_clean(self) -> None:
        """No exception got out anywhere."""
        at = self.log.find("Traceback (most recent call last)")
        assert at < 0, f"the server's log has a traceback:\n{self.log[max(0, at - 500) : at + 4000]}"

    async def _answers(self, client: aiohttp.ClientSession) -> bool:
        try:
            async with client.get(f"{self.origin}/readyz", ssl=False) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DIEMCAU_")}
        return inherited | {
            "PYTHONUNBUFFERED": "1",
            "DIEMCAU_DATA": str(self.data),
            "DIEMCAU_LISTEN": f"{self.address}:{self.listen_port}",
            "DIEMCAU_TLS": self.tls,
            "DIEMCAU_MEDIA_ADDRESS": self.address,
            "DIEMCAU_MEDIA_PORT": str(self.media_port),
            "DIEMCAU_SFU_WORKERS": "1",
            "DIEMCAU_ADMIN_PASSWORD": PASSWORD,
            **self.settings,
        }


def command() -> list[str]:
    """The installed command; where it is not installed, the same from the checkout."""
    installed = Path(sys.executable).with_name("diemcau")
    here = ROOT / ".venv" / "bin" / "diemcau"
    if installed.exists() and installed.resolve() == here.resolve() and not (ROOT / ".venv").is_symlink():
        return [str(installed), "serve"]
    return [sys.executable, "-m", "server", "serve"]


@asynccontextmanager
async def serving(data: Path, **settings: Any) -> AsyncIterator[Server]:
    """A server that is ready; stopped at the end, its log read for tracebacks."""
    server = Server(data, **settings)
    try:
        server.start()
        await server.ready()
        yield server
        await server.stop()
        server.assert_log_clean()
    finally:
        server.discard()


class Api:
    """The HTTP interface with a session of its own: bearer token after `login`, JSON both ways."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.headers: dict[str, str] = {}
        self.client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def request(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """Status and body: JSON where it is JSON, bytes otherwise."""
        options.setdefault("headers", self.headers)
        if body is not None:
            options["json"] = body
        async with self.client.request(method, self.origin + path, **options) as answer:
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, await answer.json(content_type=None) if is_json else await answer.read()

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The body of an answer that must be a success."""
        status, answer = await self.request(method, path, body)
        assert 200 <= status < 300, f"{method} {path}: {status} {answer}"
        return answer

    async def login(self, username: str = "admin", password: str = PASSWORD) -> None:
        """Sign in; what follows carries the token."""
        token = (await self.ask("POST", "/api/v1/login", {"username": username, "password": password}))[
            "token"
        ]
        self.headers = {"Authorization": f"Bearer {token}"}

    async def create_meeting(self, title: str) -> dict[str, Any]:
        """{id, code, join_url}"""
        return await self.ask("POST", "/api/v1/meetings", {"title": title})

    async def seat(
        self, meeting: str, name: str, role: str = "delegate", kind: str = "person"
    ) -> dict[str, Any]:
        """{token, participant_id, join_url}"""
        body = {"name": name, "role": role, "kind": kind}
        return await self.ask("POST", f"/api/v1/meetings/{meeting}/tokens", body)

    async def record(self, meeting: str, action: str) -> Any:
        """start, stop, pause or resume."""
        return await self.ask("POST", f"/api/v1/meetings/{meeting}/recording", {"action": action})

    async def end(self, meeting: str) -> Any:
        """End for everyone."""
        return await self.ask("POST", f"/api/v1/meetings/{meeting}/end")

    async def events(self, meeting: str, kind: str | None = None) -> list[dict[str, Any]]:
        """The meeting's log, whole or of one type."""
        answer = await self.ask("GET", f"/api/v1/meetings/{meeting}/events")
        events = answer["events"] if isinstance(answer, dict) else answer
        return [event for event in events if kind in (None, event["type"])]

    async def minutes(self, meeting: str, form: str) -> Any:
        """The minutes as html, docx, pdf (bytes) or json."""
        return await self.ask("GET", f"/api/v1/meetings/{meeting}/minutes?format={form}")

    async def recordings(self, meeting: str) -> list[dict[str, Any]]:
        """The meeting's recordings."""
        answer = await self.ask("GET", f"/api/v1/recordings?meeting={meeting}")
        return answer["recordings"] if isinstance(answer, dict) else answer

    async def recording(self, recording: str) -> dict[str, Any]:
        """One recording with its files."""
        return await self.ask("GET", f"/api/v1/recordings/{recording}")

    async def download(self, recording: str, name: str, directory: Path) -> Path:
        """One file of a recording."""
        content = await self.ask("GET", f"/api/v1/recordings/{recording}/files/{name}")
        path = directory / name
        path.write_bytes(content)
        return path
