"""Work that follows from a meeting's events but must not hold the meeting up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from rooms.ids import MeetingId
from rooms.log import LoggedEvent
from server.live import LiveMeeting

log = structlog.get_logger(__name__)

Handler = Callable[[LiveMeeting, LoggedEvent], Awaitable[None]]


class Follower:
    """Hands each meeting's events to one handler, in order, one meeting never waiting for another."""

    def __init__(self, name: str, handler: Handler) -> None:
        self._name = name
        self._handler = handler
        self._waiting: dict[MeetingId, deque[LoggedEvent]] = {}
        self._tasks: dict[MeetingId, asyncio.Task[None]] = {}

    def __call__(self, live: LiveMeeting, logged: Sequence[LoggedEvent]) -> None:
        """Take note of new events; a listener of LiveMeetings."""
        self._waiting.setdefault(live.meeting_id, deque()).extend(logged)
        if live.meeting_id not in self._tasks:
            task = asyncio.create_task(self._work(live), name=f"{self._name} of {live}")
            self._tasks[live.meeting_id] = task

    async def close(self) -> None:
        """Let the work at hand be finished."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _work(self, live: LiveMeeting) -> None:
        waiting = self._waiting[live.meeting_id]
        try:
            while waiting:
                await self._guarded(live, waiting.popleft())
        finally:
            del self._tasks[live.meeting_id], self._waiting[live.meeting_id]

    async def _guarded(self, live: LiveMeeting, logged: LoggedEvent) -> None:
        try:
            await self._handler(live, logged)
        except Exception:
            log.exception(
                "follower failed", follower=self._name, meeting=live.meeting_id, event_type=logged.type
            )
