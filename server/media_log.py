"""The media plane's facts in the meeting's log: who speaks, whose picture or sound is lost, how the lines fare.

What the workers tell is noted at once and written at most once a second, the latest of each kind: media never
waits for a disk, and a voice that flickers does not fill the minutes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from rooms.events import Event
from rooms.ids import SYSTEM, MeetingId, ParticipantId
from rooms.log import LoggedEvent, Moment
from rooms.media import Link
from rooms.meeting import Meeting
from rooms.participant import Source
from server.live import LiveMeeting, LiveMeetings
from server.media import MediaPlane, Report
from server.media_quality import Clock, Crossings, to_link

log = structlog.get_logger(__name__)

WRITE_INTERVAL_S = 1.0
# Evidence of how a line was, a minute at a time: of 135 bridge points some 25 kB.
QUALITY_INTERVAL_S = 60.0
LOST_REASON = "no_packets"


@dataclass(slots=True)
class Batch:
    """What is to be written of one meeting next; a command of `LiveMeeting.execute`."""

    speaker: tuple[ParticipantId | None] | None = None
    """Who is heard above all others, if that was told at all."""
    silent: dict[tuple[ParticipantId, Source], bool] = field(default_factory=dict)
    links: dict[ParticipantId, Link] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.speaker or self.silent or self.links)

    def __call__(self, meeting: Meeting, _: Moment) -> list[Event]:
        """The events; none of what the meeting knows already."""
        events: list[Event] = []
        if self.speaker:
            events += meeting.change_speaker(*self.speaker)
        for (owner, source), silent in self.silent.items():
            events += (
                meeting.lose_media(owner, source, LOST_REASON)
                if silent
                else meeting.regain_media(owner, source)
            )
        return events + meeting.note_quality(self.links)


class Notes:
    """What was told of one meeting and is not written yet."""

    def __init__(self) -> None:
        self.batch = Batch()
        self._crossings = Crossings()
        self._quality_s = float("-inf")

    def take(self) -> Batch:
        """What is to be written now; from here on a new batch is filled."""
        batch, self.batch = self.batch, Batch()
        return batch

    def hear(self, name: str, report: Report, now_s: float) -> None:
        """Note a report; of no interest is what the log does not keep."""
        match name:
            case "speakers":
                self.batch.speaker = (report["dominant"],)
            case "track_silent":
                self.batch.silent[report["owner"], Source(report["source"])] = report["silent"]
            case "track_started":
                self.batch.silent[report["owner"], Source(report["source"])] = False
            case "quality":
                self._measure(report["links"], now_s)

    def no_speaker(self) -> None:
        """The worker is gone; nobody is heard for the moment."""
        self.batch.speaker = (None,)

    def _measure(self, links: dict[ParticipantId, dict[str, Any]], now_s: float) -> None:
        """Keep all lines once in QUALITY_INTERVAL_S, and between those each that became poor or good again."""
        changed = self._crossings.take({owner: link["score"] for owner, link in links.items()})
        if now_s - self._quality_s >= QUALITY_INTERVAL_S:
            self._quality_s, changed = now_s, set(links)
        self.batch.links |= {owner: to_link(links[owner]) for owner in changed}


class MediaLog:
    """A listener of MediaPlane; one writer a meeting, while there is something to write."""

    def __init__(self, media: MediaPlane, meetings: LiveMeetings, clock: Clock = time.monotonic) -> None:
        self._meetings = meetings
        self._clock = clock
        self._notes: dict[MeetingId, Notes] = {}
        self._writers: dict[MeetingId, asyncio.Task[None]] = {}
        media.on_report.append(self._report)
        media.on_lost.append(self._media_lost)
        meetings.listeners.append(self._forget_empty)

    async def close(self) -> None:
        """Stop writing; what was told in the last second is not worth waiting for."""
        writers = list(self._writers.values())
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)

    def _report(self, name: str, meeting_id: MeetingId, report: Report) -> None:
        self._note(meeting_id, lambda notes: notes.hear(name, report, self._clock()))

    def _media_lost(self, meeting_id: MeetingId) -> None:
        self._note(meeting_id, Notes.no_speaker)

    def _note(self, meeting_id: MeetingId, take: Callable[[Notes], None]) -> None:
        # Workers tell of a meeting also when its last participant has left: without a fact nothing is begun.
        notes = self._notes.get(meeting_id) or Notes()
        take(notes)
        if not notes.batch:
            return
        self._notes[meeting_id] = notes
        if meeting_id not in self._writers:
            self._writers[meeting_id] = asyncio.create_task(
                self._write(meeting_id), name=f"media log of {meeting_id}"
            )

    async def _write(self, meeting_id: MeetingId) -> None:
        try:
            while (notes := self._notes.get(meeting_id)) and notes.batch:
                await self._append(meeting_id, notes.take())
                await asyncio.sleep(WRITE_INTERVAL_S)
        finally:
            del self._writers[meeting_id]

    async def _append(self, meeting_id: MeetingId, batch: Batch) -> None:
        try:
            live = await self._meetings.get(meeting_id)
            await live.execute(SYSTEM, batch)
        except Exception:
            # The next report is as good; what is lost is a line of evidence.
            log.exception("media facts not written", meeting=meeting_id)
        else:
            self._forget_empty(live, ())

    def _forget_empty(self, live: LiveMeeting, _: Sequence[LoggedEvent]) -> None:
        """Nobody is there to be told of."""
        if not live.meeting.present:
            self._notes.pop(live.meeting_id, None)
