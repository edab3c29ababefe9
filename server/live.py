"""The authority over running meetings in this process: commands in one order, stored before they are told.

A LiveMeeting is a `rooms.Meeting` with a lock, a clock and a place in the event store. Its listeners are
called at once, in the order of the log; its followers (`server.follower`) work behind, each at its own pace.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from weakref import WeakValueDictionary

import structlog

from rooms.errors import MeetingError
from rooms.events import DEFAULT_PARTICIPANT_LIMIT, Event
from rooms.ids import MeetingId, ParticipantId, RecordingId, UserId, new_id, new_meeting_code
from rooms.log import LoggedEvent, Moment, chain
from rooms.media import VideoCodec
from rooms.meeting import Meeting
from rooms.permissions import Actor
from server.services import Clock, utc_now
from server.storage import Storage
from server.storage.errors import SequenceConflict
from server.storage.meetings import MeetingRow

log = structlog.get_logger(__name__)

Command = Callable[[Meeting, Moment], Sequence[Event]]
Listener = Callable[["LiveMeeting", Sequence[LoggedEvent]], None]

NANOSECONDS_PER_MS = 1_000_000


class MeetingUnknown(MeetingError):
    """No meeting has this id."""

    code = "meeting_unknown"


class LiveMeeting:
    """One meeting's only writer. Two commands never overlap; what is not stored never happened."""

    def __init__(
        self, events: Sequence[LoggedEvent], storage: Storage, listeners: list[Listener], clock: Clock
    ) -> None:
        self._clock = clock
        self.meeting = Meeting.replay(events)
        self.meeting_id: MeetingId = events[0].meeting_id
        self._last = events[-1]
        self._storage = storage
        self._listeners = listeners
        self._lock = asyncio.Lock()
        self._writes: set[asyncio.Task[list[LoggedEvent]]] = set()
        # The monotonic clock does not survive a restart: meeting time goes on from the last event by the calendar.
        since_last_ms = max(0, round((self._clock() - self._last.time).total_seconds() * 1000))
        #: CLOCK_MONOTONIC, in nanoseconds, at meeting_ms 0; the media plane and the recorder share this clock.
        self.epoch_ns = time.monotonic_ns() - (self._last.meeting_ms + since_last_ms) * NANOSECONDS_PER_MS

    def __str__(self) -> str:
        return f"Meeting({self.meeting_id})"

    def now(self) -> Moment:
        """This moment in the calendar's time and in the meeting's."""
        meeting_ms = (time.monotonic_ns() - self.epoch_ns) // NANOSECONDS_PER_MS
        return Moment(self._clock(), max(meeting_ms, self._last.meeting_ms))

    async def events_after(self, seq: int) -> list[LoggedEvent]:
        """What the log holds after `seq`."""
        return await self._storage.events.read(self.meeting_id, seq)

    async def execute(self, actor: str, command: Command) -> list[LoggedEvent]:
        """Run a command, store its events, apply them and tell the listeners.

        Raises what the command refuses with; then nothing has changed. The write is not given up when the
        caller is cancelled: state and store would part.
        """
        write = asyncio.create_task(self._execute(actor, command), name=f"{self} write")
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)
        return await asyncio.shield(write)

    async def _execute(self, actor: str, command: Command) -> list[LoggedEvent]:
        async with self._lock:
            while True:
                now = self.now()
                events = command(self.meeting, now)
                if not events:
                    return []
                logged = chain(self._last, self.meeting_id, actor, events, now)
                try:
                    await self._storage.events.append(logged)
                except SequenceConflict:
                    if not await self._catch_up():
                        raise
                else:
                    self._follow(logged)
                    return logged

    async def _catch_up(self) -> bool:
        """Take over what the log holds beyond what we know: a write whose success we never heard of, or another's.

        False when nothing there continues what we know.
        """
        missed = await self.events_after(self._last.seq)
        if not missed or missed[0].previous_hash != self._last.hash:
            return False
        log.warning("caught up with the log", meeting=self.meeting_id, events=len(missed))
        self._follow(missed)
        return True

    def _follow(self, logged: Sequence[LoggedEvent]) -> None:
        for event in logged:
            self.meeting.apply(event)
        self._last = logged[-1]
        for listener in self._listeners:
            listener(self, logged)


class LiveMeetings:
    """Every meeting this process is asked for; those with somebody in them stay, others go when nobody uses them."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock = utc_now,
        participant_limit: int = DEFAULT_PARTICIPANT_LIMIT,
        video_codec: VideoCodec = VideoCodec.VP8,
    ) -> None:
        self._clock = clock
        self._participant_limit = participant_limit
        self._video_codec = video_codec
        self.listeners: list[Listener] = [self._keep_while_occupied]
        self._storage = storage
        self._loaded: WeakValueDictionary[MeetingId, LiveMeeting] = WeakValueDictionary()
        self._running: set[LiveMeeting] = set()
        self._loading: WeakValueDictionary[MeetingId, asyncio.Lock] = WeakValueDictionary()

    async def create(
        self, title: str, created_by: UserId, video_codec: VideoCodec | None = None
    ) -> LiveMeeting:
        """Plan a meeting, with the usual codec unless one is chosen, and store its first event."""
        meeting_id, code, now = MeetingId(new_id()), new_meeting_code(), Moment(self._clock(), 0)
        codec = video_codec or self._video_codec
        created = Meeting.create(title, code, created_by, self._participant_limit, codec)
        logged = chain(None, meeting_id, created_by, created, now)
        live = LiveMeeting(logged, self._storage, self.listeners, self._clock)
        row = MeetingRow(meeting_id, code, live.meeting.title, created_by, logged[0].time)
        await self._storage.meetings.add(row, logged)
        self._loaded[meeting_id] = live
        for listener in self.listeners:
            listener(live, logged)
        return live

    async def get(self, meeting_id: MeetingId) -> LiveMeeting:
        """The meeting, from memory or from its log. Raises MeetingUnknown."""
        if live := self._loaded.get(meeting_id):
            return live
        # Nobody waits for the log of another meeting.
        async with self._loading.setdefault(meeting_id, asyncio.Lock()):
            return self._loaded.get(meeting_id) or await self._load(meeting_id)

    async def _load(self, meeting_id: MeetingId) -> LiveMeeting:
        events = await self._storage.events.read(meeting_id)
        if not events:
            raise MeetingUnknown
        # A long meeting takes a while to replay, and the loop serves all the others.
        live = await asyncio.to_thread(LiveMeeting, events, self._storage, self.listeners, self._clock)
        self._loaded[meeting_id] = live
        self._keep_while_occupied(live, events)
        return live

    async def load_running(self) -> list[LiveMeeting]:
        """Bring back every meeting that had somebody in it, or was being recorded, when the server last ended."""
        found = [await self._readable(meeting_id) for meeting_id in await self._storage.events.occupied()]
        return [live for live in found if live is not None]

    async def _readable(self, meeting_id: MeetingId) -> LiveMeeting | None:
        try:
            return await self.get(meeting_id)
        except Exception:
            # One damaged log must not keep every other meeting from being held; `diemcau check` names it.
            log.exception("meeting not taken up", meeting=meeting_id)
            return None

    def running(self) -> Iterable[LiveMeeting]:
        """The meetings that have somebody in them, or are being recorded, now."""
        return tuple(self._running)

    def _keep_while_occupied(self, live: LiveMeeting, _: Sequence[LoggedEvent]) -> None:
        if live.meeting.present or live.meeting.running_recording:
            self._running.add(live)
        else:
            self._running.discard(live)


def recording_rule(actor: ParticipantId | Actor, action: str) -> Command:
    """The command that starts, stops, pauses or resumes the recording."""
    if action == "start":
        recording_id = RecordingId(new_id())
        return lambda meeting, _: meeting.start_recording(actor, recording_id)
    method = {
        "stop": Meeting.stop_recording,
        "pause": Meeting.pause_recording,
        "resume": Meeting.resume_recording,
    }[action]
    return lambda meeting, _: method(meeting, actor)
