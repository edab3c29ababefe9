"""python-socketio, narrowed to what PROTOCOL.md uses: text events of one namespace over WebSocket.

The stock server waits for any number of announced attachments, parses JSON of any depth, and writes a
traceback for each packet it cannot read. Here such a packet ends its connection, and nothing else happens.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import orjson
import socketio
from aiohttp import web
from socketio import packet

from server.origin import names_us
from server.problems import Problem

# An SDP of 64 kB in JSON, with room for what surrounds it.
MESSAGE_LIMIT_BYTES = 100_000
# A dead line is noticed within their sum, at both ends.
# A page sends its token with its first packet; whoever is silent for longer holds a place for nothing.
TOKEN_WITHIN_S = 10
PING_INTERVAL_S = 5
PING_TIMEOUT_S = 8

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
            self._drops.add(
                task := asyncio.create_task(self.eio.disconnect(eio_sid), name="drop a silent socket")
            )
            task.add_done_callback(self._drops.discard)

    async def _handle_eio_message(self, eio_sid: str, data: object) -> None:
        try:
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError):
            await self.eio.disconnect(eio_sid)
