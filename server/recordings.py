"""Turns the meeting's decisions about its recording into work of the recorder, and the recorder's work into facts.

The media path never asks whether anyone is recording; the recorder never asks why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from rooms.events import (
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
)
from rooms.ids import SYSTEM, MeetingId, ParticipantId, RecordingId
from rooms.log import LoggedEvent
from rooms.participant import Source
from rooms.recording import Recording, RecordingPhase
from server.archive import RecordingFolders
from server.control import ChildLink, ControlServer
from server.follower import Follower
from server.live import LiveMeeting, LiveMeetings
from server.media import MediaPlane
from server.storage import Storage
from server.storage.recordings import RecordingFile, RecordingRow, RecordingState
from sfu.control import ControlError

log = structlog.get_logger(__name__)

# Closing forty files and hashing an hour of each takes a while on a slow disk.
FINISH_TIMEOUT_S = 120.0


# What the recorder warns of before anything is lost.
_WARNINGS = frozenset({"disk_low"})


class Recordings:
    """Follows every meeting's recording; brings it back when the recorder or the server was lost."""

    def __init__(
        self,
        storage: Storage,
        control: ControlServer,
        media: MediaPlane,
        meetings: LiveMeetings,
        folders: RecordingFolders,
        tap_path: Path,
    ) -> None:
        self._storage = storage
        self._control = control
        self._media = media
        self._meetings = meetings
        self._folders = folders
        self._tap_path = str(tap_path)
        self._meeting_of: dict[RecordingId, MeetingId] = {}
        self._suspended = False
        self._work: set[asyncio.Task[None]] = set()
        self._follower = Follower("recordings", self._follow)
        meetings.listeners.append(self._follower)
        media.on_placed.append(self._media_placed)
        control.on_connected.append(self._recorder_connected)
        control.on_gone.append(self._recorder_gone)
        control.on_event.append(self._report)

    async def check(self) -> None:
        """Raise when no recording could start now."""
        if not self._control.of_kind("recorder"):
            raise ControlError("recorder_unavailable", "no recorder is connected")

    async def suspend(self) -> None:
        """Close the files of every running recording, as the server ends; the next start goes on with it."""
        self._suspended = True
        for live in self._meetings.running():
            if recording := live.meeting.running_recording:
                await self._media.stop_recording(live.meeting_id, recording.id)
                reply = await self._ask(
                    "stop", recording_id=recording.id, at_ms=live.now().meeting_ms, timeout_s=FINISH_TIMEOUT_S
                )
                for segment in reply["files"]:
                    await self._segment_closed(live, segment)
                await self._interrupted(live, recording.id, "server_stopped")

    async def close(self) -> None:
        """Finish the work at hand."""
        await self._follower.close()
        await asyncio.gather(*self._work, return_exceptions=True)

    # The meeting decides.

    async def _follow(self, live: LiveMeeting, logged: LoggedEvent) -> None:
        match logged.event:
            case RecordingStarted(recording_id=recording_id):
                work = self._begin(live, live.meeting.recordings[recording_id])
            case RecordingPaused(recording_id=recording_id):
                work = self._turn("pause", recording_id, logged.meeting_ms)
            case RecordingResumed(recording_id=recording_id):
                work = self._turn("resume", recording_id, logged.meeting_ms)
            case RecordingStopped(recording_id=recording_id):
                work = self._finish(live, recording_id, logged)
            case _:
                return
        await self._attempt(live, recording_id, work)

    async def _attempt(
        self, live: LiveMeeting, recording_id: RecordingId, work: Coroutine[Any, Any, None]
    ) -> None:
        """What the recorder fails to do becomes a fact; it is made up for when a recorder is back."""
        try:
            await work
        except (ControlError, TimeoutError) as error:
            await self._interrupted(live, recording_id, _reason(error))

    async def _begin(self, live: LiveMeeting, recording: Recording) -> None:
        """Start the recorder, at first or again after a loss, and let the media flow to it."""
        await self._enter(live, recording)
        await self._ask(
            "start",
            recording_id=recording.id,
            meeting_id=live.meeting_id,
            directory=str(self._folders.folder(recording.id)),
            epoch_ns=live.epoch_ns,
            start_ms=recording.start_ms,
        )
        if recording.phase is RecordingPhase.PAUSED:
            await self._turn("pause", recording.id, live.now().meeting_ms)
        if self._media.is_placed(live.meeting_id):
            await self._media.record(live.meeting_id, recording.id, self._tap_path)
        await self._storage.recordings.update(recording.id, RecordingState.RECORDING)

    async def _turn(self, method: str, recording_id: RecordingId, at_ms: int) -> None:
        await self._ask(method, recording_id=recording_id, at_ms=at_ms)

    async def _enter(self, live: LiveMeeting, recording: Recording) -> None:
        """Make sure that the archive's list has it."""
        self._meeting_of[recording.id] = live.meeting_id
        if await self._storage.recordings.get(recording.id) is None:
            row = RecordingRow(
                recording.id,
                live.meeting_id,
                RecordingState.RECORDING,
                recording.started_at,
                recording.start_ms,
            )
            await self._storage.recordings.add(row)

    async def _finish(self, live: LiveMeeting, recording_id: RecordingId, logged: LoggedEvent) -> None:
        duration_ms = logged.meeting_ms - live.meeting.recordings[recording_id].start_ms
        await self._storage.recordings.update(
            recording_id, RecordingState.PROCESSING, logged.time, duration_ms
        )
        await self._media.stop_recording(live.meeting_id, recording_id)
        reply = await self._ask(
            "stop", recording_id=recording_id, at_ms=logged.meeting_ms, timeout_s=FINISH_TIMEOUT_S
        )
        await self._complete(live, recording_id, reply["files"])

    async def _complete(
        self, live: LiveMeeting, recording_id: RecordingId, files: list[dict[str, Any]]
    ) -> None:
        for segment in files:
            await self._segment_closed(live, segment)
        await live.execute(SYSTEM, lambda meeting, _: meeting.recording_ready(recording_id))
        await self._storage.recordings.update(recording_id, RecordingState.READY)

    async def _segment_closed(self, live: LiveMeeting, segment: dict[str, Any]) -> None:
        await self._storage.recordings.add_file(RecordingFile.from_segment(segment))
        await live.execute(
            SYSTEM,
            lambda meeting, _: meeting.segment_closed(
                RecordingId(segment["recording_id"]),
                segment["name"],
                ParticipantId(segment["participant_id"]),
                Source(segment["source"]),
                segment["start_ms"],
                segment["end_ms"],
                segment["size"],
                segment["sha256"],
                segment["gaps"],
            ),
        )

    # The recorder reports.

    async def _report(self, _child: ChildLink, name: str, params: dict[str, Any]) -> None:
        if name == "segment_closed":
            segment = params["segment"]
            await self._segment_closed(await self._meeting(segment["recording_id"]), segment)
        elif name == "recording_warning":
            await self._warned(**params)
        elif name == "tap_lost":
            self._start(self._feed(MeetingId(params["meeting"])), "feed the recording again")

    async def _warned(self, recording_id: str, code: str, message: str) -> None:
        log.warning("recorder warns", recording=recording_id, code=code, message=message)
        if code not in _WARNINGS:
            await self._interrupted(await self._meeting(recording_id), RecordingId(recording_id), code)

    async def _meeting(self, recording_id: str) -> LiveMeeting:
        return await self._meetings.get(self._meeting_of[RecordingId(recording_id)])

    async def _recorder_gone(self, child: ChildLink) -> None:
        if child.kind != "recorder" or self._suspended:
            return
        for live in self._meetings.running():
            if recording := live.meeting.running_recording:
                await self._interrupted(live, recording.id, "recorder_lost")

    async def _recorder_connected(self, child: ChildLink) -> None:
        """Repair and go on with what an earlier recorder, or an earlier server, left behind."""
        if child.kind != "recorder":
            return
        left = {row.recording_id: row.meeting_id for row in await self._storage.recordings.unfinished()}
        for live in self._meetings.running():
            if recording := live.meeting.running_recording:
                left[recording.id] = live.meeting_id
        for recording_id, meeting_id in left.items():
            live = await self._meetings.get(meeting_id)
            await self._attempt(live, recording_id, self._resume(live, recording_id))

    async def _resume(self, live: LiveMeeting, recording_id: RecordingId) -> None:
        recording = live.meeting.recordings[recording_id]
        self._meeting_of[recording_id] = live.meeting_id
        try:
            reply = await self._recover(live.meeting_id, recording_id)
        except ControlError as error:
            if error.code == "recording_running":
                return  # it began while we looked
            raise
        if not recording.running:
            await self._complete(live, recording_id, reply["files"])
            return
        for segment in reply["files"]:
            await self._segment_closed(live, segment)
        await self._begin(live, recording)

    async def _recover(self, meeting_id: MeetingId, recording_id: RecordingId) -> dict[str, Any]:
        directory = str(self._folders.folder(recording_id))
        return await self._ask(
            "recover",
            recording_id=recording_id,
            meeting_id=meeting_id,
            directory=directory,
            timeout_s=FINISH_TIMEOUT_S,
        )

    def _media_placed(self, meeting_id: MeetingId) -> None:
        """A worker carries the meeting from now on; it must feed a recording that is under way."""
        self._start(self._feed(meeting_id), "feed the recording")

    async def _feed(self, meeting_id: MeetingId) -> None:
        live = await self._meetings.get(meeting_id)
        if recording := live.meeting.running_recording:
            try:
                await self._media.record(meeting_id, recording.id, self._tap_path)
            except (ControlError, TimeoutError) as error:
                # The recorder is going; the next one takes what the worker keeps meanwhile.
                log.info("recorder not fed", meeting=meeting_id, reason=_reason(error))

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _interrupted(self, live: LiveMeeting, recording_id: RecordingId, reason: str) -> None:
        log.warning("recording interrupted", meeting=live.meeting_id, recording=recording_id, reason=reason)
        await self._storage.recordings.update(recording_id, RecordingState.INTERRUPTED)
        await live.execute(SYSTEM, lambda meeting, _: meeting.interrupt_recording(reason))

    async def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        recorders = self._control.of_kind("recorder")
        if not recorders:
            raise ControlError("recorder_unavailable", "no recorder is connected")
        return await recorders[0].request(method, **params)


def _reason(error: ControlError | TimeoutError) -> str:
    return error.code if isinstance(error, ControlError) else "recorder_slow"
