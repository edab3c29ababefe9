"""Brings the recorder to what the meeting's log says of one recording, as often as that takes."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from typing import Any, Final

import structlog

from rooms.events import RecordingPaused, RecordingResumed
from rooms.ids import SYSTEM, ParticipantId, RecordingId
from rooms.log import LoggedEvent
from rooms.participant import Source
from rooms.recording import Recording, RecordingPhase
from server.archive import RecordingFolders
from server.live import LiveMeeting
from server.media import MediaPlane
from server.recorder import RecorderLink
from server.storage.recordings import RecordingFile, RecordingRow, Recordings, RecordingState
from sfu.control import ControlError

log = structlog.get_logger(__name__)

# What failed is tried again this often: somebody may make room, the supervisor starts another recorder.
RETRY_S: Final = 5.0
# The recorder repeats a trouble every ten seconds or so; after this long without one, it is over.
QUIET_S: Final = 30.0
# At the end of the server; what is not finished then, the next start recovers.
SUSPEND_TIMEOUT_S: Final = 60.0
# Closing forty files and hashing an hour of each takes minutes on a slow disk; a recorder that is stuck is
# replaced by its supervisor, which ends the wait.
FINISH_TIMEOUT_S: Final = math.inf

_TURNS: Final = {RecordingPaused: "pause", RecordingResumed: "resume"}


class Keeper:
    """The one writer of a recording's row and facts, from its beginning, or the server's, until it is ready.

    waiting -> running (the recorder has acknowledged) -> finished. A failure becomes one RecordingInterrupted,
    and one RecordingResumed when it runs again.
    """

    def __init__(
        self,
        live: LiveMeeting,
        recording_id: RecordingId,
        storage: Recordings,
        recorder: RecorderLink,
        media: MediaPlane,
        folders: RecordingFolders,
        tap_path: str,
        *,
        begins: bool,
    ) -> None:
        self.live = live
        self.recording_id = recording_id
        self._storage = storage
        self._recorder = recorder
        self._media = media
        self._directory = str(folders.folder(recording_id))
        self._tap_path = tap_path
        self._running = False
        self._fed = False
        self._finished = False
        # Whether files may be there that nobody has told of.
        self._left = not begins
        # One that was running when the server was killed has a gap that nobody could note then.
        killed = self._left and self.recording.running
        self._trouble: str | None = "server_stopped" if killed else None
        self._quiet_at = 0.0
        self._turns: deque[tuple[str, int]] = deque()
        self._changed = asyncio.Event()
        self._recovery: asyncio.Task[None] | None = None

    @property
    def recording(self) -> Recording:
        """What the meeting knows of it."""
        return self.live.meeting.recordings[self.recording_id]

    # What happens; none of this waits.

    def heard(self, logged: LoggedEvent) -> None:
        """The meeting has decided."""
        if turn := _TURNS.get(type(logged.event)):
            self._turns.append((turn, logged.meeting_ms))
        self.look()

    def look(self) -> None:
        """Something changed: a recorder came, the chair stopped the recording."""
        self._changed.set()

    def unfed(self) -> None:
        """The meeting's worker does not send to the recorder: it is another, or its link was cut."""
        self._fed = False
        self.look()

    def lost(self) -> None:
        """The recorder is gone."""
        self._forget()
        self._trouble = "recorder_lost"
        self.look()

    def troubled(self, reason: str) -> None:
        """Something is not recorded just now."""
        self._trouble = reason
        self._quiet_at = asyncio.get_running_loop().time() + QUIET_S
        self.look()

    # What follows.

    async def keep(self) -> None:
        """Look after the recording until it is ready."""
        async with asyncio.TaskGroup() as beside:
            while not self._finished:
                self._changed.clear()
                wait_s = await self._guarded(beside)
                if not self._finished:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), wait_s)

    async def suspend(self) -> None:
        """Close the files as the server ends; the next start goes on. Only after `keep` has been cancelled."""
        if not self.recording.running:
            return
        at_ms = self.live.now().meeting_ms
        try:
            await self._media.stop_recording(self.live.meeting_id, self.recording_id)
            await self._ask_for_files("stop", SUSPEND_TIMEOUT_S, at_ms=at_ms)
        except (ControlError, TimeoutError) as error:
            log.warning("recording not closed", recording=self.recording_id, reason=_reason(error))
        await self._interrupt("server_stopped")

    async def segment_closed(self, segment: dict[str, Any]) -> None:
        """Store a complete file; one that is known stays as the log has it. Raises KeyError for one half told."""
        if segment["name"] in self.recording.segments:
            return
        try:
            await self._store(segment)
        except Exception:
            self._left = True
            raise

    async def warned(self, reason: str) -> None:
        """Tell the hosts what nothing is lost by, or only pictures."""
        await self.live.execute(
            SYSTEM, lambda meeting, now: meeting.warn_recording(self.recording_id, reason, now.meeting_ms)
        )

    async def _guarded(self, beside: asyncio.TaskGroup) -> float | None:
        """Try; return in how many seconds to try again, None for when something happens."""
        try:
            return await self._try(beside)
        except Exception:
            # The next try may find the database unlocked; other recordings must not suffer at all.
            log.exception("recording not kept", recording=self.recording_id)
            return RETRY_S

    async def _try(self, beside: asyncio.TaskGroup) -> float | None:
        try:
            if self._trouble is not None:
                await self._interrupt(self._trouble)
            if self.recording.running:
                return await self._go_on(beside)
            return await self._finish()
        except (ControlError, TimeoutError) as error:
            reason = _reason(error)
            if reason == "recording_unknown":
                self._forget()
            await self._interrupt(reason)
            return RETRY_S

    async def _go_on(self, beside: asyncio.TaskGroup) -> float | None:
        if not self._running:
            await self._start()
        while self._turns:
            turn, at_ms = self._turns[0]
            await self._recorder.ask(turn, recording_id=self.recording_id, at_ms=at_ms)
            self._turns.popleft()
        if not self._fed and self._media.is_placed(self.live.meeting_id):
            await self._feed()
        if self._left and (self._recovery is None or self._recovery.done()):
            self._recovery = beside.create_task(self._recover_beside(), name=f"recover {self.recording_id}")
        return await self._settle()

    async def _start(self) -> None:
        """Start the recorder, at first or again. Media flows only afterwards: it knows no other recordings."""
        await self._enter()
        paused = self.recording.phase is RecordingPhase.PAUSED
        self._turns = deque([("pause", self.live.now().meeting_ms)] if paused else [])
        self._fed = False
        try:
            await self._recorder.ask(
                "start",
                recording_id=self.recording_id,
                meeting_id=self.live.meeting_id,
                directory=self._directory,
                epoch_ns=self.live.epoch_ns,
                start_ms=self.recording.start_ms,
            )
        except ControlError as error:
            # An earlier start whose answer came too late has worked.
            if error.code != "recording_running":
                raise
        self._running = True

    async def _enter(self) -> None:
        """Make sure that the archive's list has it."""
        if await self._storage.get(self.recording_id) is None:
            recording = self.recording
            row = RecordingRow(
                recording.id,
                self.live.meeting_id,
                RecordingState.RECORDING,
                recording.started_at,
                recording.start_ms,
            )
            await self._storage.add(row)

    async def _feed(self) -> None:
        self._fed = True
        try:
            await self._media.record(self.live.meeting_id, self.recording_id, self._tap_path)
        except (ControlError, TimeoutError) as error:
            self._fed = False
            code = "tap_lost" if self._recorder.connected else "recorder_lost"
            raise ControlError(code, str(error)) from error

    async def _settle(self) -> float | None:
        """Tell that it runs again once nothing has failed for a while."""
        if not self.recording.interrupted:
            return None
        quiet_in_s = self._quiet_at - asyncio.get_running_loop().time()
        if quiet_in_s > 0:
            return quiet_in_s
        await self._storage.update(self.recording_id, RecordingState.RECORDING)
        await self.live.execute(SYSTEM, lambda meeting, _: meeting.recording_goes_on(self.recording_id))
        return None

    async def _finish(self) -> float | None:
        await self._enter()
        recording = self.recording
        assert recording.end_ms is not None
        duration_ms = recording.end_ms - recording.start_ms
        await self._storage.update(
            self.recording_id, RecordingState.PROCESSING, recording.ended_at, duration_ms
        )
        await self._media.stop_recording(self.live.meeting_id, self.recording_id)
        await self._stop(recording.end_ms)
        await self._recover()
        if self._left:
            raise ControlError("file_not_stored", "a file that the recorder told of is not in the archive")
        if self._trouble is not None:
            await self._interrupt(self._trouble)
        await self.live.execute(SYSTEM, lambda meeting, _: meeting.recording_ready(self.recording_id))
        await self._storage.update(self.recording_id, RecordingState.READY)
        self._finished = True
        return None

    async def _stop(self, at_ms: int) -> None:
        """Even when no start was acknowledged: it may have come late."""
        try:
            await self._ask_for_files("stop", FINISH_TIMEOUT_S, at_ms=at_ms)
        except ControlError as error:
            if error.code != "recording_unknown":
                raise

    async def _recover_beside(self) -> None:
        try:
            await self._recover()
        except (ControlError, TimeoutError) as error:
            # It is made up for before the recording is ready.
            log.info("recording not recovered", recording=self.recording_id, reason=_reason(error))

    async def _recover(self) -> None:
        """Repair and store what an earlier recorder left, if any; that may take minutes."""
        async with self._recorder.recovering:
            if not self._left:
                return
            self._left = False
            try:
                await self._ask_for_files(
                    "recover",
                    FINISH_TIMEOUT_S,
                    meeting_id=self.live.meeting_id,
                    directory=self._directory,
                )
            except BaseException:
                self._left = True
                raise

    async def _ask_for_files(self, method: str, timeout_s: float, **params: Any) -> None:
        await self._recorder.ask_for_files(method, timeout_s, recording_id=self.recording_id, **params)

    async def _store(self, segment: dict[str, Any]) -> None:
        await self._storage.add_file(RecordingFile.from_segment(segment))
        await self.live.execute(
            SYSTEM,
            lambda meeting, _: meeting.segment_closed(
                self.recording_id,
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

    async def _interrupt(self, reason: str) -> None:
        """Tell that there is a gap, unless that is known."""
        self._trouble = None
        told = await self.live.execute(
            SYSTEM, lambda meeting, _: meeting.interrupt_recording(self.recording_id, reason)
        )
        if not told:
            return
        log.warning("recording interrupted", recording=self.recording_id, reason=reason)
        if self.recording.running:
            await self._storage.update(self.recording_id, RecordingState.INTERRUPTED)

    def _forget(self) -> None:
        """The recorder that knew the recording is no more."""
        self._running = self._fed = False
        self._left = True


def _reason(error: ControlError | TimeoutError) -> str:
    return error.code if isinstance(error, ControlError) else "recorder_slow"
