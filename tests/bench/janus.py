"""Janus's videoroom with our light peers, in a network namespace of its own: it offers no candidate on loopback."""

import asyncio
import contextlib
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from server.load.plan import Plan
from server.load.publisher import Publisher
from server.load.subscriber import Subscriber
from server.load.tally import percentile
from tests.bench.result import Run
from tests.support.network import lacking_for_namespaces

_ROOM = 1
_DRAIN_S = 0.4
_TICK_S = 0.08
_CONFIGURATION = """
general: {{ configs_folder = "{folder}" debug_level = 2 session_timeout = 0 }}
nat: {{ ice_lite = true ice_enforce_list = "{interface}" }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
_UNIX_SOCKET = (
    'general: {{ enabled = true json = "compact" path = "{folder}/api.sock" type = "SOCK_SEQPACKET" }}\n'
)
_PLUGINS = ("audiobridge", "duktape", "echotest", "lua", "nosip", "recordplay", "sip", "streaming", "textroom",
            "videocall", "voicemail")  # fmt: skip
_TRANSPORTS = ("http", "mqtt", "nanomsg", "rabbitmq", "websockets")
# Its interface is there before it is ready to be asked, and whoever asks too early makes it crash.
_READY_S = 1.0
_ATTEMPTS = 5


def missing() -> str:
    """Why Janus cannot be measured here; empty when it can."""
    if shutil.which("janus") is None:
        return "the Debian package janus is not installed"
    return lacking_for_namespaces()


def version() -> str:
    """As it calls itself."""
    told = subprocess.run(["janus", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\d+\.\d+\.\d+", told)
    return found[0] if found else "of unknown version"


@dataclass(frozen=True, slots=True)
class _Link:
    """A namespace, the interface in it, and our address on the link to it."""

    namespace: str
    interface: str
    host: str


@contextlib.contextmanager
def _namespace() -> Iterator[_Link]:
    """A namespace with one link to us, of addresses that nobody is likely to have."""
    name, net = f"bench{secrets.token_hex(3)}", f"10.213.{secrets.randbelow(256)}"
    link = _Link(name, f"{name}b", f"{net}.1")
    commands = (
        f"ip netns add {name}",
        f"ip link add {name}a type veth peer name {link.interface} netns {name}",
        f"ip address add {link.host}/30 dev {name}a",
        f"ip link set {name}a up",
        f"ip -n {name} address add {net}.2/30 dev {link.interface}",
        f"ip -n {name} link set {link.interface} up",
        f"ip -n {name} link set lo up",
    )
    try:
        for command in commands:
            subprocess.run(command.split(), check=True, capture_output=True)
        yield link
    finally:
        subprocess.run(["ip", "link", "delete", f"{name}a"], capture_output=True)
        subprocess.run(["ip", "netns", "delete", name], capture_output=True)


class Api:
    """Janus's requests over its Unix socket: a transaction each, answered at once or by an event."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._session = 0
        self._reader = asyncio.create_task(self._read(), name="janus")

    async def _read(self) -> None:
        while data := await asyncio.get_running_loop().sock_recv(self._socket, 1 << 20):
            message = orjson.loads(data)
            # A request of a plugin is acknowledged first and answered later.
            if message["janus"] != "ack" and (
                waiting := self._waiting.pop(message.get("transaction", ""), None)
            ):
                waiting.set_result(message)

    async def ask(self, what: str, **fields: Any) -> dict[str, Any]:
        """The answer to a request of the core."""
        transaction = secrets.token_hex(8)
        waiting = self._waiting[transaction] = asyncio.get_running_loop().create_future()
        session = {"session_id": self._session} if self._session else {}
        request = {"janus": what, "transaction": transaction, **session, **fields}
        await asyncio.get_running_loop().sock_sendall(self._socket, orjson.dumps(request))
        answer = await asyncio.wait_for(waiting, 10)
        if answer["janus"] == "error" or "error_code" in answer.get("plugindata", {}).get("data", {}):
            raise RuntimeError(f"Janus refuses {what}: {answer}")
        return answer

    async def begin(self) -> None:
        """A session for everything."""
        self._session = (await self.ask("create"))["data"]["id"]

    async def attach(self) -> int:
        """A handle of the videoroom: one peer connection."""
        return int((await self.ask("attach", plugin="janus.plugin.videoroom"))["data"]["id"])

    async def message(self, handle: int, jsep: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
        """A request of the videoroom, with a description where there is one."""
        described = {"jsep": jsep} if jsep else {}
        return await self.ask("message", handle_id=handle, body=body, **described)

    async def close(self) -> None:
        """Hang up."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._socket.close()


class Room:
    """One publisher and its subscribers in a videoroom."""

    def __init__(self, api: Api, process: int, plan: Plan, host: str) -> None:
        self._api = api
        self._process = process
        self._host = host
        self.publisher = Publisher(plan, host)
        self.subscribers: list[Subscriber] = []

    async def join(self, subscribers: int) -> None:
        """Everybody is connected."""
        handle = await self._api.attach()
        room = {"room": _ROOM, "publishers": 1, "videocodec": "vp8", "audiocodec": "opus", "bitrate": 0}
        await self._api.message(handle, request="create", **room)
        offer = {"type": "offer", "sdp": self.publisher.describe()}
        joining = {"request": "joinandconfigure", "ptype": "publisher", "room": _ROOM}
        answer = await self._api.message(handle, offer, **joining)
        await self.publisher.begin(answer["jsep"]["sdp"])
        feed = answer["plugindata"]["data"]["id"]
        await asyncio.gather(*(self._subscribe(feed) for _ in range(subscribers)))

    async def _subscribe(self, feed: int) -> None:
        handle = await self._api.attach()
        joining = {"request": "join", "ptype": "subscriber", "room": _ROOM, "streams": [{"feed": feed}]}
        offer = (await self._api.message(handle, **joining))["jsep"]["sdp"]
        subscriber = Subscriber(self._host)
        answer = {"type": "answer", "sdp": subscriber.accept(offer)}
        await self._api.message(handle, answer, request="start", room=_ROOM)
        await subscriber.connect(offer)
        self.subscribers.append(subscriber)

    async def tick(self) -> None:
        """The clock of every connection, for ever."""
        while True:
            await asyncio.sleep(_TICK_S)
            for peer in (self.publisher, *self.subscribers):
                if peer.connected:
                    peer.tick(time.monotonic())

    async def measure(self, plan: Plan, warm_s: float, seconds: float) -> Run:
        """As `server.load` measures our own server."""
        self.publisher.change(plan)
        await self.publisher.send_for(warm_s)
        await asyncio.sleep(_DRAIN_S)
        for peer in (self.publisher, *self.subscribers):
            peer.restart()
        cpu_s, began = _cpu_s(self._process), time.monotonic()
        await self.publisher.send_for(seconds)
        passed = time.monotonic() - began
        await asyncio.sleep(_DRAIN_S)
        cpu_s = _cpu_s(self._process) - cpu_s
        received = sum(tally.received for one in self.subscribers for tally in one.tallies.values())
        sent = sum(self.publisher.sent.values()) * len(self.subscribers)
        delays = [delay * 1000 for one in self.subscribers for delay in one.delays_s]
        return Run(
            cpu_us=cpu_s / max(1, received) * 1e6,
            delivered=(received + sum(one.overflowed for one in self.subscribers)) / sent,
            rate=received / passed,
            cpu_share=cpu_s / passed,
            delay_p50_ms=percentile(delays, 0.5),
            delay_p99_ms=percentile(delays, 0.99),
        )

    async def close(self) -> None:
        """Everybody goes."""
        for peer in (self.publisher, *self.subscribers):
            await peer.close()


def _cpu_s(process: int) -> float:
    """Processor time of all threads of a process, by the scheduler's own account."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


@contextlib.asynccontextmanager
async def room(plan: Plan, subscribers: int, core: int) -> AsyncIterator[Room]:
    """A running Janus on its own core, with everybody in its room."""
    with _namespace() as link:
        async with _running(link, core) as (process, sock):
            api = Api(sock)
            made = Room(api, process, plan, link.host)
            clock = asyncio.create_task(made.tick(), name="janus clock")
            try:
                await api.begin()
                await made.join(subscribers)
                yield made
            finally:
                clock.cancel()
                await asyncio.gather(clock, return_exceptions=True)
                await made.close()
                await api.close()


@contextlib.asynccontextmanager
async def _running(link: _Link, core: int) -> AsyncIterator[tuple[int, socket.socket]]:
    """The process, and a connection to its interface."""
    with tempfile.TemporaryDirectory() as folder:
        _configure(folder, link.interface)
        process, sock = await _started(folder, f"ip netns exec {link.namespace} taskset -c {core}")
        try:
            yield process.pid, sock
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _started(folder: str, prefix: str) -> tuple[asyncio.subprocess.Process, socket.socket]:
    """Now and then it ends at once for want of a transport that it has; the next time it has it."""
    command = f"{prefix} janus -F {folder} -L {folder}/log -N".split()
    for _ in range(_ATTEMPTS):
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        sock = await _connected(process, f"{folder}/api.sock")
        if sock is not None:
            return process, sock
    raise RuntimeError(f"Janus ended: {_log(folder)}")


def _configure(folder: str, interface: str) -> None:
    values = {
        "folder": folder,
        "interface": interface,
        "plugins": ",".join(f"libjanus_{name}.so" for name in _PLUGINS),
        "transports": ",".join(f"libjanus_{name}.so" for name in _TRANSPORTS),
    }
    Path(folder, "janus.jcfg").write_text(_CONFIGURATION.format(**values))
    Path(folder, "janus.transport.pfunix.jcfg").write_text(_UNIX_SOCKET.format(**values))


async def _connected(process: asyncio.subprocess.Process, path: str) -> socket.socket | None:
    """To its interface; None when it has ended."""
    await asyncio.sleep(_READY_S)
    while process.returncode is None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.setblocking(False)
        try:
            sock.connect(path)
        except OSError:
            sock.close()
            await asyncio.sleep(_READY_S)
        else:
            return sock
    return None


def _log(folder: str) -> str:
    return Path(folder, "log").read_text()[-2000:]
