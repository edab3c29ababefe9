"""A participant by PROTOCOL.md without a browser: Socket.IO with a join token, no media."""

import asyncio
from typing import Any, Self

import socketio
from socketio.exceptions import ConnectionError as Refused


class Seat:
    """One Socket.IO connection; `events` and `closed` hold what the server told."""

    def __init__(self, origin: str, token: Any, **options: Any) -> None:
        self.origin = origin
        self.token = token
        self.options = options
        self.client = socketio.AsyncClient(reconnection=False)
        self.events: list[dict[str, Any]] = []
        self.closed: dict[str, Any] | None = None
        self.refusal: Any = None
        #: What came with each of the other messages, by name.
        self.told: dict[str, list[Any]] = {
            name: [] for name in ("layers", "renegotiate", "speakers", "quality")
        }
        self.client.on("events", self.events.extend)
        for name, data in self.told.items():
            self.client.on(name, data.append)
        self.client.on("closed", self._closed)
        self.client.on("connect_error", self._refused)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.disconnect()

    async def connect(self) -> None:
        """Connect; raises when the server refuses, `refusal` then has its code."""
        await self.client.connect(
            self.origin, auth={"token": self.token}, transports=["websocket"], wait_timeout=5, **self.options
        )

    async def refused(self) -> str:
        """The code of the refusal that must come."""
        try:
            await self.connect()
        except Refused:
            await asyncio.sleep(0)
            return self.refusal["code"]
        await self.client.disconnect()
        raise AssertionError("was let in")

    async def ask(self, message: str, data: Any) -> dict[str, Any]:
        """One message and its acknowledgement."""
        return await self.client.call(message, data, timeout=10)

    async def join(self, after: int | None = None) -> dict[str, Any]:
        """Enter the meeting; the acknowledgement, which must be good."""
        answer = await self.ask("join", {"after": after})
        assert answer["ok"], answer
        return answer

    def _closed(self, data: dict[str, Any]) -> None:
        self.closed = data

    def _refused(self, data: Any) -> None:
        self.refusal = data.get("data", data) if isinstance(data, dict) else data
