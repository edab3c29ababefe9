"""The link between the server and its children: JSON, one message a line, over a Unix stream socket.

A child connects and says who it is: `{"hello": {"kind", "name", "pid"}}`. The server sends requests
`{"id", "method", "params"}`; the child answers `{"id", "result"}` or `{"id", "error": {"code", "message"}}`,
in whatever order they finish, and tells events of its own accord: `{"event", "params"}`.
"""

import asyncio
import inspect
import json
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from sfu.errors import SfuError

_log = logging.getLogger(__name__)

# A session description is at most 128 kB, the statistics of one peer a tenth of that.
LONGEST_LINE = 1024 * 1024
# What may wait for a server that does not read, before the child gives up on it.
_MOST_WAITING = 16 * 1024 * 1024
# Of what is told of a refusal, which may quote the request.
_LONGEST_REASON = 1000
_CONNECT_TRIES, _CONNECT_PAUSE_S = 50, 0.1

# Requests that may wait for their turn; with more the server waits, too.
_MOST_REQUESTS = 1000

Handler = Callable[..., Awaitable[Mapping[str, Any]]]
_Requests = asyncio.Queue[dict[str, Any] | None]


class ControlError(Exception):
    """A request is refused: `code` for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def encode_line(message: Mapping[str, Any]) -> bytes:
    """One message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode_line(line: bytes) -> dict[str, Any]:
    """The message in a line. Raises ControlError message_invalid."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ControlError("message_invalid", f"not a line of JSON: {error}") from None
    if not isinstance(message, dict):
        raise ControlError("message_invalid", "not a JSON object")
    return message


class ControlClient:
    """A child's end. `handlers` are method name → async function, called with the params by name.

    Requests are handled one after another, in the order they came, so that a child sees the server's intent
    in order. Only the `slow` methods run beside the others: one meeting's long work must not hold up another's;
    they are cancelled when the server goes.
    `ping` is answered here and at once, whatever is being handled: it asks whether this process lives.
    """

    def __init__(
        self,
        path: str,
        kind: str,
        name: str,
        handlers: Mapping[str, Handler],
        slow: Collection[str] = (),
    ) -> None:
        self._slow = slow
        self._path = path
        self._hello = {"kind": kind, "name": name, "pid": os.getpid()}
        self._handlers = handlers
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Connect and serve until the server goes. Raises OSError when it is not there."""
        reader, self._writer = await self._connect()
        requests: _Requests = asyncio.Queue(_MOST_REQUESTS)
        try:
            self._send({"hello": self._hello})
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._handle(requests), name="control requests")
                while line := await reader.readline():
                    await self._take(line, requests)
                    await self._writer.drain()
                await requests.put(None)
        except* (ConnectionError, ValueError) as errors:
            # ValueError: a line longer than allowed.
            _log.info("ControlClient x %s", errors.exceptions[0])
        finally:
            writer, self._writer = self._writer, None
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in range(_CONNECT_TRIES - 1):
            try:
                return await asyncio.open_unix_connection(self._path, limit=LONGEST_LINE)
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(_CONNECT_PAUSE_S)
        return await asyncio.open_unix_connection(self._path, limit=LONGEST_LINE)

    async def _take(self, line: bytes, requests: _Requests) -> None:
        try:
            request = decode_line(line)
        except ControlError as error:
            self._refuse(None, error)
            return
        if request.get("method") == "ping":
            self._send({"id": request.get("id"), "result": {}})
        else:
            await requests.put(request)

    async def _handle(self, requests: _Requests) -> None:
        async with asyncio.TaskGroup() as beside:
            running: set[asyncio.Task[None]] = set()
            while (request := await requests.get()) is not None:
                if request.get("method") in self._slow:
                    task = beside.create_task(self._answer(request), name=f"control {request['method']}")
                    running.add(task)
                    task.add_done_callback(running.discard)
                else:
                    await self._answer(request)
            # Nobody waits for these answers any more, and the process has to come to its end.
            for task in running:
                task.cancel()

    async def _answer(self, request: dict[str, Any]) -> None:
        identifier = request.get("id")
        try:
            result = await self._call(request)
            self._send({"id": identifier, "result": result})
        except (ControlError, SfuError) as error:
            self._refuse(identifier, error)
        except Exception:
            _log.exception("ControlClient x request %s", identifier)
            self._refuse(identifier, ControlError("internal", "the request failed"))

    def _refuse(self, identifier: object, error: ControlError | SfuError) -> None:
        message = str(error)[:_LONGEST_REASON]
        self._send({"id": identifier, "error": {"code": error.code, "message": message}})

    async def _call(self, request: dict[str, Any]) -> Mapping[str, Any]:
        method, params = request.get("method"), request.get("params", {})
        handler = self._handlers.get(method) if isinstance(method, str) else None
        if handler is None:
            raise ControlError("method_unknown", f"no method {method!r}")
        try:
            inspect.signature(handler).bind(**params)
        except TypeError as error:
            raise ControlError("params_invalid", f"{method}: {error}") from None
        return await handler(**params)

    def notify(self, event: str, **params: Any) -> None:
        """Tell the server. Nothing happens when it is gone; `run` ends then."""
        try:
            self._send({"event": event, "params": params})
        except ControlError as error:
            _log.error("ControlClient x event %s: %s", event, error)

    def _send(self, message: Mapping[str, Any]) -> None:
        """Write a line. Raises ControlError reply_too_long rather than break the link of all requests."""
        line = encode_line(message)
        if len(line) > LONGEST_LINE:
            raise ControlError("reply_too_long", f"{len(line)} bytes do not go over the link")
        writer = self._writer
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > _MOST_WAITING:
            _log.error("ControlClient x the server does not read; giving up")
            writer.transport.abort()
            return
        writer.write(line)
