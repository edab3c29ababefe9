"""The server's end of the control link: one Unix socket, newline-delimited JSON, a request at a time answered by id.

Children (media workers, the recorder) connect and say who they are; the server asks, they answer and report.
The socket lies in a directory that only this user can enter, so who can connect is who may.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from sfu.control import LONGEST_LINE, ControlError, decode_line, encode_line

log = structlog.get_logger(__name__)

# A worker answers in milliseconds; a request that needs this long has lost its answer.
REQUEST_TIMEOUT_S = 10.0
# Every child is pinged this often. One that says nothing after two pings is told of in /readyz; after five it is
# stuck and better replaced. Pings are counted and not seconds: after a pause of the server itself (a suspended
# machine, a stopped process) the answers are there and only wait to be read.
PING_INTERVAL_S = 1.0
_QUIET_PINGS, _STUCK_PINGS = 2, 5


class ChildGone(ControlError):
    """The child closed its link before it answered; its supervisor starts another."""

    def __init__(self, name: str) -> None:
        super().__init__("media_unavailable", f"{name} is gone")


class ChildLink:
    """The link to one child process; lives as long as its socket."""

    def __init__(self, kind: str, name: str, pid: int, writer: asyncio.StreamWriter) -> None:
        self.kind = kind
        self.name = name
        self.pid = pid
        self._writer = writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pings = 0
        self._gone = False
        # Reports wait here, so that a listener may ask the same child something while it handles one.
        self.reports: asyncio.Queue[tuple[str, dict[str, Any]] | None] = asyncio.Queue()

    def __str__(self) -> str:
        return f"Child({self.name} pid {self.pid})"

    @property
    def is_quiet(self) -> bool:
        """Whether it has not answered for about two seconds."""
        return self._pings > _QUIET_PINGS

    @property
    def is_stuck(self) -> bool:
        """Whether it has not answered for so long that it never will."""
        return self._pings >= _STUCK_PINGS

    def ping(self) -> None:
        """Ask for a sign of life; see `heard`."""
        self._pings += 1
        self._writer.write(encode_line({"id": next(self._ids), "method": "ping"}))

    def heard(self) -> None:
        """Take note that it said something, whatever it was."""
        self._pings = 0

    async def request(
        self, method: str, timeout_s: float = REQUEST_TIMEOUT_S, **params: Any
    ) -> dict[str, Any]:
        """Ask and wait for the answer.

        Raises ControlError with the child's code when it refuses, ChildGone when it ends first,
        TimeoutError when it does not answer in time.
        """
        if self._gone:
            raise ChildGone(self.name)
        number = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(encode_line({"id": number, "method": method, "params": params}))
            async with asyncio.timeout(timeout_s):
                return await answer
        finally:
            self._waiting.pop(number, None)

    def answered(self, message: dict[str, Any]) -> None:
        """Hand an answer to whoever waits for it; an answer nobody waits for came too late."""
        answer = self._waiting.get(message["id"])
        if answer is None or answer.done():
            return
        if error := message.get("error"):
            answer.set_exception(ControlError(error["code"], error["message"]))
        else:
            answer.set_result(message["result"])

    def close(self) -> None:
        """Hang up; the child ends."""
        self._writer.close()

    def gone(self) -> None:
        """Fail everything still waited for, and what is asked from now on."""
        self._gone = True
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ChildGone(self.name))


class ControlServer:
    """Accepts the children and tells the listeners of their coming, their reports and their going."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.children: dict[str, ChildLink] = {}
        self.on_connected: list[Callable[[ChildLink], Awaitable[None]]] = []
        self.on_event: list[Callable[[ChildLink, str, dict[str, Any]], Awaitable[None]]] = []
        self.on_gone: list[Callable[[ChildLink], Awaitable[None]]] = []
        self.on_stuck: list[Callable[[ChildLink], None]] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; the path is replaced if an earlier process left it."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path, limit=LONGEST_LINE)

    async def close(self) -> None:
        """Stop listening; children see their link end and exit."""
        if self._server is None:
            return
        self._server.close()
        for child in list(self.children.values()):
            child.close()
        self.path.unlink(missing_ok=True)

    async def check(self) -> None:
        """Raise when a child does not answer."""
        if quiet := sorted(child.name for child in self.children.values() if child.is_quiet):
            raise ControlError("media_unavailable", f"no answer from {', '.join(quiet)}")

    def of_kind(self, kind: str) -> list[ChildLink]:
        """The children of a kind that are connected now, in the order of their names."""
        return sorted((child for child in self.children.values() if child.kind == kind), key=lambda c: c.name)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        child = await self._greet(reader, writer)
        if child is None:
            writer.close()
            return
        self.children[child.name] = child
        log.info("connected", child=str(child))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tell(child), name=f"{child.name} reports")
                watching = tasks.create_task(self._watch(child), name=f"watch {child.name}")
                await self._read(child, reader)
                watching.cancel()
        except* (ConnectionError, ValueError, ControlError) as errors:
            log.warning("control link broken", child=str(child), error=repr(errors.exceptions[0]))
        finally:
            await self._lost(child, writer)

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> ChildLink | None:
        with contextlib.suppress(ControlError, KeyError, TypeError):
            hello = decode_line(await reader.readline())["hello"]
            return ChildLink(hello["kind"], hello["name"], hello["pid"], writer)
        return None

    async def _read(self, child: ChildLink, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                child.heard()
                message = decode_line(line)
                if "event" in message:
                    child.reports.put_nowait((message["event"], message["params"]))
                else:
                    child.answered(message)
        finally:
            child.gone()
            child.reports.put_nowait(None)

    async def _watch(self, child: ChildLink) -> None:
        while not child.is_stuck:
            child.ping()
            await asyncio.sleep(PING_INTERVAL_S)
        log.error("child does not answer", child=str(child))
        for listener in self.on_stuck:
            listener(child)

    async def _tell(self, child: ChildLink) -> None:
        for listener in self.on_connected:
            await self._guarded(listener(child), child, "connected")
        while report := await child.reports.get():
            for event_listener in self.on_event:
                await self._guarded(event_listener(child, *report), child, report[0])

    async def _lost(self, child: ChildLink, writer: asyncio.StreamWriter) -> None:
        writer.close()
        if self.children.get(child.name) is child:
            del self.children[child.name]
        log.info("gone", child=str(child))
        for listener in self.on_gone:
            await self._guarded(listener(child), child, "gone")

    async def _guarded(self, call: Awaitable[None], child: ChildLink, what: str) -> None:
        # One meeting's trouble with a report must not cut the link that all meetings use.
        try:
            await call
        except Exception:
            log.exception("a listener failed", child=str(child), report=what)
