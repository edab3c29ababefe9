"""python-socketio, narrowed to what PROTOCOL.md uses: text events of one namespace over WebSocket.

The stock server waits for any number of announced attachments, parses JSON of any depth, and writes a
traceback for each packet it cannot read. Here such a packet ends its connection, and nothing else happens.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import engineio
import orjson
import socketio
import structlog
from aiohttp import web
from socketio import packet

from server.origin import names_us
from server.problems import Problem

# An SDP of 64 kB in JSON, with room for what surrounds it.
MESSAGE_LIMIT_BYTES = 200_000
# A page sends its token with its first packet; whoever is silent for longer holds a place for nothing.
TOKEN_WITHIN_S = 10
# A dead line is noticed within their sum, at both ends.
PING_INTERVAL_S = 5
PING_TIMEOUT_S = 8
# What may wait for a client, in characters, before the next packet is one too many: half a minute of a thin line.
BACKLOG_LIMIT = 1_000_000
# With this much waiting a client is some seconds behind, and what changes every second only makes it worse.
BEHIND_CHARACTERS = 50_000
# A client hangs up when it is told goodbye; the line of one that does not is cut.
GOODBYE_S = 1.0

log = structlog.get_logger(__name__)

_log = logging.getLogger("server.socketio")
_log.setLevel(logging.ERROR)
# Engine.IO writes a traceback for each packet of a type that does not exist; only a client can cause it.
_log.addFilter(lambda record: not str(record.msg).startswith("Unknown receive error"))


class _Json:
    """orjson behind the names python-socketio calls: no NaN, no nesting deeper than 1,024."""

    @staticmethod
    def dumps(data: object, **_: Any) -> str:
        return orjson.dumps(data).decode()

    @staticmethod
    def loads(text: str) -> Any:
        return orjson.loads(text)


class TextPacket(packet.Packet):  # type: ignore[misc]
    """A Socket.IO packet that can hold neither attachments nor another namespace."""

    uses_binary_events = False
    json = _Json

    def decode(self, encoded_packet: object) -> int:
        """Read a packet. Raises ValueError for all that PROTOCOL.md has no use for."""
        if not isinstance(encoded_packet, str) or encoded_packet[:1] not in {"0", "1", "2", "3"}:
            raise ValueError("not a text packet")
        attachments = super().decode(encoded_packet)
        if attachments or self.namespace not in {None, "/"}:
            raise ValueError("attachments and namespaces are not offered")
        if self.packet_type == packet.EVENT and not self._is_event(self.data):
            raise ValueError("not an event")
        return 0

    @staticmethod
    def _is_event(data: object) -> bool:
        return isinstance(data, list) and 1 <= len(data) <= 2 and isinstance(data[0], str)


class _Backlog(asyncio.Queue[Any]):
    """The packets that wait for one client, weighed."""

    size = 0

    def _put(self, item: Any) -> None:
        self.size += _weight(item)
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self.size -= _weight(item)
        return item


def _weight(item: Any) -> int:
    return len(item.data) if item is not None and isinstance(item.data, str) else 0


class _Engine(engineio.AsyncServer):  # type: ignore[misc]
    """Engine.IO, which queues without end for a client that answers pings but reads nothing; here there is an end."""

    cut: Callable[[str], None]

    def create_queue(self, *_: Any, **__: Any) -> _Backlog:
        return _Backlog()

    async def send_packet(self, sid: str, pkt: Any) -> None:
        """Queue a packet for a client, or cut the line of one for whom too much waits already."""
        socket = self.sockets.get(sid)
        if socket is not None and socket.queue.size > BACKLOG_LIMIT:
            self.cut(sid)
        else:
            await super().send_packet(sid, pkt)


class Line:
    """The way to one client."""

    def __init__(self, server: NarrowServer, sid: str) -> None:
        self._server = server
        self._sid = sid

    async def emit(self, name: str, data: Any) -> None:
        """Send a message, or queue it while the client reads slowly."""
        await self._server.emit(name, data, to=self._sid)

    @property
    def is_behind(self) -> bool:
        """Whether much waits for this client."""
        return self._server.backlog(self._sid) > BEHIND_CHARACTERS


class NarrowServer(socketio.AsyncServer):  # type: ignore[misc]
    """Handles one client's messages in their order, and drops a client that does not speak the protocol."""

    def __init__(self) -> None:
        super().__init__(
            async_mode="aiohttp",
            serializer=TextPacket,
            json=_Json,
            # A message is read when the one before it is answered: order, and back-pressure by TCP.
            async_handlers=False,
            transports=["websocket"],
            # The stock check takes every server for one without TLS; `serve` has its own.
            cors_allowed_origins=[],
            max_http_buffer_size=MESSAGE_LIMIT_BYTES,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            logger=_log,
            engineio_logger=_log,
        )
        self.eio.cut = self._cut
        self._silent: dict[str, asyncio.TimerHandle] = {}
        self._drops: set[asyncio.Task[None]] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The aiohttp handler of `/socket.io/`. Raises Problem for a page of another site."""
        if not names_us(request):
            raise Problem(403, "cross_site")
        try:
            response: web.StreamResponse = await self.handle_request(request)
        except ValueError:
            # Engine.IO could not read a frame; the socket is closed by leaving the handler.
            return web.Response(status=400)
        return response

    def line(self, sid: str) -> Line:
        """The way to a client."""
        return Line(self, sid)

    def backlog(self, sid: str) -> int:
        """How many characters wait for a client; none for one that is gone."""
        socket = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, "/"))
        return socket.queue.size if socket is not None else 0

    async def disconnect(self, sid: str) -> None:
        """Tell a client that this is the end, and hang up."""
        if self.manager.is_connected(sid, "/"):
            eio_sid = self.manager.eio_sid_from_sid(sid, "/")
            await super().disconnect(sid)
            await self._hang_up(eio_sid)

    async def shutdown(self) -> None:
        """Hang up on everybody, whether they got as far as a token or not."""
        for eio_sid in list(self.eio.sockets):
            await self._hang_up(eio_sid)
        await super().shutdown()

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        self._silent[eio_sid] = asyncio.get_running_loop().call_later(
            TOKEN_WITHIN_S, self._drop_silent, eio_sid
        )

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        if deadline := self._silent.pop(eio_sid, None):
            deadline.cancel()
        await super()._handle_eio_disconnect(eio_sid, reason)

    def _drop_silent(self, eio_sid: str) -> None:
        del self._silent[eio_sid]
        if self.manager.sid_from_eio_sid(eio_sid, "/") is None:
            self._drops.add(task := asyncio.create_task(self._hang_up(eio_sid), name="drop a silent socket"))
            task.add_done_callback(self._drops.discard)

    async def _handle_eio_message(self, eio_sid: str, data: object) -> None:
        try:
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError):
            await self._hang_up(eio_sid)
        if self.manager.sid_from_eio_sid(eio_sid, "/") is None:
            # Refused at the door, or gone through it again: the next try is a new connection.
            await self._hang_up(eio_sid)

    async def _hang_up(self, eio_sid: str) -> None:
        socket, transport = self.eio.sockets.get(eio_sid), self._transport(eio_sid)
        if socket is None or socket.closed:
            return
        await socket.close(wait=False, reason=self.reason.SERVER_DISCONNECT)
        await socket.queue.put(None)  # the end of what is written: the WebSocket is closed after it
        if transport is not None:
            asyncio.get_running_loop().call_later(GOODBYE_S, transport.abort)

    def _cut(self, eio_sid: str) -> None:
        transport = self._transport(eio_sid)
        if transport is not None and not transport.is_closing():
            log.warning("cut off, it reads nothing", socket=eio_sid)
            transport.abort()

    def _transport(self, eio_sid: str) -> asyncio.WriteTransport | None:
        environ = self.environ.get(eio_sid)
        return environ["aiohttp.request"].transport if environ else None

    def _engineio_server_class(self) -> type[_Engine]:
        return _Engine
