"""One participant who joins as a browser does: Socket.IO, and two light media connections."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Iterable
from typing import Any

import aiohttp
import socketio

from server.load.errors import LoadError
from server.load.peer import LinkFailed
from server.load.plan import Plan
from server.load.publisher import Publisher
from server.load.site import Address
from server.load.subscriber import Subscriber

# Any address of ours, as the way to the server may lead.
_ANY_HOST = "0.0.0.0"  # noqa: S104
_ANSWER_WITHIN_S = 30.0
PICTURE_WITHIN_S = 15.0


class Participant:
    """A seat, and what it publishes and watches. Methods raise LoadError."""

    def __init__(self, address: Address, session: aiohttp.ClientSession, seat: dict[str, str]) -> None:
        self.id = seat["participant_id"]
        self.publisher: Publisher | None = None
        self.subscriber: Subscriber | None = None
        self.watched: dict[str, tuple[str, str]] = {}
        """mid → (participant_id, source)"""
        self.joined_s = 0.0
        self.closed = ""
        self._address = address
        self._token = seat["token"]
        self._line = socketio.AsyncClient(reconnection=False, handle_sigint=False, http_session=session)
        self._line.on("closed", self._farewell)
        self._line.on("layers", self._layers)
        self._line.on("*", _ignore)

    async def _join(self) -> None:
        """Connect and enter, once."""
        if self._line.connected:
            return
        try:
            await self._line.connect(
                self._address.url, auth={"token": self._token}, transports=["websocket"], wait_timeout=10
            )
        except socketio.exceptions.ConnectionError as error:
            raise _refusal(error) from None
        await self._call("join", after=None)

    async def publish(self, plan: Plan, start: float) -> None:
        """Join and send a microphone and a camera; `start` sets publishers out of step."""
        await self._join()
        self.publisher = Publisher(plan, _ANY_HOST, start)
        answer = await self._call("publish", sdp=self.publisher.describe(), sources=plan.sources)
        await _linked(self.publisher.begin(answer["sdp"]))

    async def watch(self, tracks: Iterable[tuple[str, str]]) -> None:
        """Join, receive these (participant_id, source), and wait until something of each has come."""
        began = time.monotonic()
        await self._join()
        wanted = [{"participant_id": owner, "source": source} for owner, source in tracks if owner != self.id]
        self.subscriber = subscriber = Subscriber(_ANY_HOST)
        answer = await self._call("subscribe", tracks=wanted)
        self.watched = {slot["mid"]: (slot["participant_id"], slot["source"]) for slot in answer["slots"]}
        if answer["sdp"] is not None:
            await self._call("answer", sdp=subscriber.accept(answer["sdp"]))
            await _linked(subscriber.connect(answer["sdp"]))
        await self._all_come(subscriber)
        self.joined_s = time.monotonic() - began

    async def _all_come(self, subscriber: Subscriber) -> None:
        deadline = time.monotonic() + PICTURE_WITHIN_S
        # Of many microphones only the loudest are let through: where there are pictures, these are awaited.
        pictures = [mid for mid, (_, source) in self.watched.items() if source != "microphone"]
        while not all(subscriber.tallies[mid].received for mid in pictures or self.watched):
            if time.monotonic() > deadline or self.closed:
                raise LoadError("media_missing", self.closed or "a track that is wanted does not come")
            await asyncio.sleep(0.005)

    async def leave(self) -> None:
        """Leave for good; nothing of ours is left behind, whatever has gone wrong before."""
        if self._line.connected:
            with contextlib.suppress(LoadError):
                await self._call("command", type="leave")
            await self._line.disconnect()
        for peer in (self.publisher, self.subscriber):
            if peer is not None:
                await peer.close()

    def tick(self, now: float) -> None:
        """What its media connections do by the clock."""
        for peer in (self.publisher, self.subscriber):
            if peer is not None and peer.connected:
                peer.tick(now)

    async def _call(self, name: str, **data: Any) -> dict[str, Any]:
        try:
            answer = await self._line.call(name, data, timeout=_ANSWER_WITHIN_S)
        except (socketio.exceptions.SocketIOError, TimeoutError):
            raise LoadError(self.closed or "line_lost", f"the server does not answer {name!r}") from None
        if not answer["ok"]:
            error = answer["error"]
            raise LoadError(error["code"], f"{name}: {error['messages']['en']}")
        return dict(answer)

    async def _farewell(self, closing: dict[str, Any]) -> None:
        self.closed = closing["code"]

    async def _layers(self, wanted: dict[str, Any]) -> None:
        if self.publisher is not None and wanted["source"] == "camera":
            self.publisher.activate(wanted["rids"])


async def _ignore(*_: Any) -> None:
    """Events are for those who show them."""


async def _linked(connecting: Awaitable[None]) -> None:
    try:
        await connecting
    except LinkFailed as error:
        raise LoadError("media_unreachable", f"no media connection: {error}") from None


def _refusal(error: Exception) -> LoadError:
    """Why the server does not let us in, as far as it said."""
    told = error.args[0] if error.args else ""
    if isinstance(told, dict):
        told = told.get("data", told)
        return LoadError(told.get("code", "refused"), told.get("messages", {}).get("en", "not let in"))
    return LoadError("server_unreachable", f"no Socket.IO: {told}")
