"""Gives every recording its keeper, and every keeper the news: of the meeting, the recorder, the media workers.

The media path never asks whether anyone is recording; the recorder never asks why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from rooms.events import RecordingPaused, RecordingResumed, RecordingStarted, RecordingStopped
from rooms.ids import MeetingId, RecordingId
from rooms.log import LoggedEvent
from server.archive import RecordingFolders
from server.control import ChildLink, ControlServer
from server.keeper import Keeper
from server.live import LiveMeeting, LiveMeetings
from server.media import MediaPlane
from server.recorder import KIND, RecorderLink
from server.storage import Storage
from server.storage.recordings import RecordingRow
from sfu.control import ControlError

log = structlog.get_logger(__name__)

# Told by the recorder although the recording goes on; anything else it warns of is a gap.
_WARNINGS: Final = frozenset({"disk_low", "pictures_given_up", "track_refused", "file_changed"})


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
        self._media = media
        self._meetings = meetings
        self._folders = folders
        self._tap_path = str(tap_path)
        self._recorder = RecorderLink(control)
        self._keepers: dict[RecordingId, Keeper] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._suspended = False
        meetings.listeners.append(self._follow)
        media.on_placed.append(self._unfed)
        control.on_connected.append(self._recorder_connected)
        control.on_gone.append(self._recorder_gone)
        control.on_event.append(self._report)
        self._recorder.watch()

    async def check(self) -> None:
        """Raise when no recording could start now."""
        if not self._recorder.connected:
            raise ControlError("recorder_unavailable", "no recorder is connected")

    async def suspend(self) -> None:
        """Close the files of every running recording, as the server ends; the next start goes on with it."""
        self._suspended = True
        await self.close()
        keepers = list(self._keepers.values())
        outcomes = await asyncio.gather(*(keeper.suspend() for keeper in keepers), return_exceptions=True)
        for keeper, outcome in zip(keepers, outcomes, strict=True):
            if outcome is not None:
                log.error("recording not suspended", recording=keeper.recording_id, exc_info=outcome)

    async def close(self) -> None:
        """End the work at hand. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _follow(self, live: LiveMeeting, logged: Sequence[LoggedEvent]) -> None:
        for event in logged:
            match event.event:
                case RecordingStarted(recording_id=recording_id):
                    self._keeper(live, recording_id, begins=True)
                case (
                    RecordingPaused(recording_id=recording_id)
                    | RecordingResumed(recording_id=recording_id)
                    | RecordingStopped(recording_id=recording_id)
                ):
                    self._keeper(live, recording_id).heard(event)

    def _keeper(self, live: LiveMeeting, recording_id: RecordingId, *, begins: bool = False) -> Keeper:
        """The keeper of a recording, a new one if there is none."""
        keeper = self._keepers.get(recording_id)
        if keeper is None:
            keeper = Keeper(
                live,
                recording_id,
                self._storage.recordings,
                self._recorder,
                self._media,
                self._folders,
                self._tap_path,
                begins=begins,
            )
            self._keepers[recording_id] = keeper
            self._employ(keeper)
        return keeper

    def _employ(self, keeper: Keeper) -> None:
        if self._suspended:
            return
        task = asyncio.create_task(self._keep(keeper), name=f"keep recording {keeper.recording_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, keeper: Keeper) -> None:
        await keeper.keep()
        del self._keepers[keeper.recording_id]

    def _unfed(self, meeting_id: MeetingId) -> None:
        """A worker carries the meeting from now on; it must feed a recording that is under way."""
        for keeper in self._keepers.values():
            if keeper.live.meeting_id == meeting_id:
                keeper.unfed()

    async def _report(self, _child: ChildLink, name: str, params: dict[str, Any]) -> None:
        if name == "segment_closed":
            segment = params["segment"]
            if keeper := self._known(segment["recording_id"]):
                await keeper.segment_closed(segment)
        elif name == "recording_warning":
            await self._warned(**params)
        elif name == "tap_lost":
            self._unfed(MeetingId(params["meeting"]))

    async def _warned(self, recording_id: str, code: str, message: str) -> None:
        log.warning("recorder warns", recording=recording_id, code=code, message=message)
        keeper = self._known(recording_id)
        if keeper and code in _WARNINGS:
            await keeper.warned(code)
        elif keeper:
            keeper.troubled(code)

    def _known(self, recording_id: str) -> Keeper | None:
        keeper = self._keepers.get(RecordingId(recording_id))
        if keeper is None:
            log.warning("recorder tells of what is not under way", recording=recording_id)
        return keeper

    async def _recorder_gone(self, child: ChildLink) -> None:
        if child.kind == KIND:
            for keeper in self._keepers.values():
                keeper.lost()

    async def _recorder_connected(self, child: ChildLink) -> None:
        """Go on with what an earlier recorder, or an earlier server, left behind: what runs comes first."""
        if child.kind != KIND:
            return
        for live in self._meetings.running():
            if recording := live.meeting.running_recording:
                self._keeper(live, recording.id).look()
        for row in await self._storage.recordings.unfinished():
            await self._take_up(row)

    async def _take_up(self, row: RecordingRow) -> None:
        try:
            live = await self._meetings.get(row.meeting_id)
            self._keeper(live, row.recording_id).look()
        except Exception:
            # One damaged log must not leave the recordings of others unfinished.
            log.exception("recording not taken up", recording=row.recording_id, meeting=row.meeting_id)
