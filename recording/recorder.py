"""The recorder process: its control methods, its clocks, and the recordings under way."""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from recording.archive import Folder
from recording.disk import DiskThread
from recording.errors import DiskFull, FolderInvalid, RecordingError, RecordingRunning, RecordingUnknown
from recording.ledger import Account, Ledger
from recording.recording import Recording, RecordingClock
from recording.recovery import Recovery
from recording.tap_server import TapServer
from sfu.control import ControlClient, ControlError

# Below this hosts are warned: ten minutes of 40 tracks at 1.5 Mbit/s need 4.5 GB, a meeting of three 0.3 GB.
RESERVE_BYTES: Final = 2_000_000_000
# Below this part of the reserve nothing new is begun and pictures are given up, so that sound, the ledger
# and the rest of the system have room: 500 MB are 30 hours of one microphone.
FLOOR_PART: Final = 4
TICK_S: Final = 0.2
SYNC_S: Final = 1.0
WATCH_S: Final = 2.0

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Recorder:
    """Answer the server, keep the recordings, end them well when the server goes."""

    def __init__(self, control: Path, tap: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._reserve_bytes = reserve_bytes
        self._recordings: dict[str, Recording] = {}
        self._disk = DiskThread()
        # Old files, one at a time and by themselves: an archive full of them must not delay what is recorded now.
        self._aside = ThreadPoolExecutor(1, "recovery")
        self._tap = TapServer(tap, self._recordings.get)
        methods = {method.__name__: _refusing(method) for method in self._methods()}
        # Hashing an hour of forty tracks takes a while; other recordings begin meanwhile.
        slow = {self.stop.__name__, self.recover.__name__}
        self._control = ControlClient(str(control), "recorder", "recorder", methods, slow)

    def _methods(self) -> list[Callable[..., Awaitable[Mapping[str, Any]]]]:
        return [self.start, self.pause, self.resume, self.stop, self.recover]

    async def run(self) -> None:
        """Serve until the server goes or this task is cancelled; then finish every file."""
        self._disk.start()
        try:
            await self._tap.start()
            async with asyncio.TaskGroup() as group:
                clocks = [group.create_task(clock()) for clock in (self._tick, self._sync, self._watch)]
                try:
                    await self._control.run()
                finally:
                    for clock in clocks:
                        clock.cancel()
        finally:
            await self._close()
            self._aside.shutdown(wait=False, cancel_futures=True)
            await asyncio.to_thread(self._disk.stop)

    async def start(
        self, recording_id: str, meeting_id: str, directory: str, epoch_ns: int, start_ms: int
    ) -> dict[str, Any]:
        """Begin a recording. `epoch_ns` is CLOCK_MONOTONIC at meeting time 0, `start_ms` meeting time now.

        Raises RecordingRunning, FolderInvalid, DiskFull. An interrupted recording goes on with new files.
        """
        if recording_id in self._recordings:
            raise RecordingRunning(recording_id)
        folder, ledger, numbers = await asyncio.to_thread(self._prepare, directory)
        clock = RecordingClock(epoch_ns, start_ms)
        self._recordings[recording_id] = Recording(
            recording_id, clock, folder, ledger, numbers, self._disk, self._control.notify
        )
        _log.info("Recording(%s) of meeting %s starts", recording_id, meeting_id)
        return {}

    async def pause(self, recording_id: str, at_ms: int) -> dict[str, Any]:
        """Write nothing captured from this meeting time on. Raises RecordingUnknown."""
        self._find(recording_id).pause(at_ms)
        return {}

    async def resume(self, recording_id: str, at_ms: int) -> dict[str, Any]:
        """Write again what is captured from this meeting time on. Raises RecordingUnknown."""
        self._find(recording_id).resume(at_ms)
        return {}

    async def stop(self, recording_id: str, at_ms: int) -> dict[str, Any]:
        """End a recording at this meeting time; how many files were told of. Raises RecordingUnknown."""
        recording = self._find(recording_id)
        files = await recording.stop(at_ms)
        self._recordings.pop(recording_id, None)
        _log.info("Recording(%s) stopped", recording_id)
        return {"files": files}

    async def recover(self, recording_id: str, meeting_id: str, directory: str) -> dict[str, Any]:
        """After a crash: repair and tell of every segment that lies there. Raises FolderInvalid.

        The recording may be running again: what it writes now is left alone. A file that is not what the
        ledger says is told of as it was, with a warning `file_changed`.
        """
        _log.info("Recording(%s) of meeting %s is recovered", recording_id, meeting_id)
        recovery, files = await self._beside(self._look, recording_id, directory), 0
        for name in recovery.names:
            running = self._recordings.get(recording_id)
            found = await self._beside(recovery.examine, name, running.names if running else ())
            if found.warning is not None:
                _log.warning("Recording(%s) x %s", recording_id, found.warning)
                self._control.notify(
                    "recording_warning",
                    recording_id=recording_id,
                    code="file_changed",
                    message=found.warning,
                )
            if found.segment is not None:
                self._control.notify("segment_closed", segment=found.segment)
                files += 1
        return {"files": files}

    async def _beside(self, work: Callable[..., _T], *arguments: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._aside, work, *arguments)

    @staticmethod
    def _look(recording_id: str, directory: str) -> Recovery:
        try:
            return Recovery(recording_id, Folder.create(directory))
        except OSError as error:
            raise FolderInvalid(error.strerror or str(error)) from error

    def _find(self, recording_id: str) -> Recording:
        recording = self._recordings.get(recording_id)
        if recording is None:
            raise RecordingUnknown(recording_id)
        return recording

    def _prepare(self, directory: str) -> tuple[Folder, Ledger, dict[tuple[str, str], int]]:
        folder = Folder.create(directory)
        free, floor = folder.free_bytes(), self._reserve_bytes // FLOOR_PART
        if free < floor:
            raise DiskFull(free, floor)
        try:
            numbers = folder.part_numbers(Account(folder.ledger).begun)
            return folder, Ledger(folder.ledger), numbers
        except OSError as error:
            raise FolderInvalid(error.strerror or str(error)) from error

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for recording in list(self._recordings.values()):
                recording.tick(time.monotonic_ns())

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            for recording in list(self._recordings.values()):
                await asyncio.to_thread(recording.sync)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            for recording in list(self._recordings.values()):
                with suppress(OSError):
                    free = await asyncio.to_thread(recording.folder.free_bytes)
                    recording.watch(free, self._reserve_bytes, self._reserve_bytes // FLOOR_PART)

    async def _close(self) -> None:
        await self._tap.stop()
        stops = [
            self.stop(recording_id, recording.clock.now_ms() + recording.clock.start_ms)
            for recording_id, recording in self._recordings.items()
        ]
        await asyncio.gather(*stops)


def _refusing(
    method: Callable[..., Awaitable[Mapping[str, Any]]],
) -> Callable[..., Awaitable[Mapping[str, Any]]]:
    """A method whose refusals reach the server with their codes."""

    @functools.wraps(method)
    async def handler(**params: Any) -> Mapping[str, Any]:
        try:
            return await method(**params)
        except RecordingError as error:
            raise ControlError(error.code, str(error)) from error

    return handler
