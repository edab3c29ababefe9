"""One recording: its clock, its folder, its tracks, and the files that are being finished."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from recording.archive import Folder, SegmentName
from recording.disk import BACKLOG_BYTES, DiskThread
from recording.gaps import Pauses, Reason
from recording.ledger import Ledger
from recording.part import Part, note, reason_of
from recording.repair import salvage
from recording.segment import WRITE_ERRORS, Format, Segment
from recording.timeline import PublisherClock
from recording.track import Track, TrackRecorder

# A full disk is tried again this often: somebody may make room while the meeting lasts.
RETRY_NS: Final = 5_000_000_000
# A warning is told once in this time, however many tracks suffer.
WARNING_INTERVAL_NS: Final = 10_000_000_000
# How long `stop` waits for what the SFU workers still have on the way.
CLOSE_WAIT_S: Final = 0.5
# Files of one recording that are closed and hashed at once. The process has six threads for such work, and a
# meeting that ends must not keep another from beginning.
MOST_FINISHING: Final = 2
# Room that was too little is enough again only when it is this much more, or hosts would be told every second.
ENOUGH_AGAIN: Final = 1.1

Notify = Callable[..., None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordingClock:
    """CLOCK_MONOTONIC and meeting time → ms since the recording began."""

    epoch_ns: int
    start_ms: int

    def of_monotonic(self, moment_ns: int) -> int:
        """The recording's time of a moment of CLOCK_MONOTONIC."""
        return round((moment_ns - self.epoch_ns) / 1e6) - self.start_ms

    def of_meeting(self, meeting_ms: int) -> int:
        """The recording's time of a meeting's."""
        return meeting_ms - self.start_ms

    def now_ms(self) -> int:
        """The recording's time."""
        return self.of_monotonic(time.monotonic_ns())


class Recording:
    """A meeting on its way to disk. Implements `writer.PartStore`.

    recording -> paused -> recording -> stopped; what happens in between is in `pauses`.
    """

    def __init__(
        self,
        recording_id: str,
        clock: RecordingClock,
        folder: Folder,
        ledger: Ledger,
        numbers: dict[tuple[str, str], int],
        disk: DiskThread,
        notify: Notify,
    ) -> None:
        self.recording_id = recording_id
        self.clock = clock
        self.folder = folder
        self.pauses = Pauses()
        self.names: set[SegmentName] = set()
        self._segments = 0
        self._ledger = ledger
        self._numbers = numbers
        self._disk = disk
        self._notify = notify
        self._publishers: dict[str, PublisherClock] = {}
        self._tracks: set[TrackRecorder] = set()
        self._open: set[Part] = set()
        self._finishing: set[asyncio.Task[None]] = set()
        self._finishers = asyncio.Semaphore(MOST_FINISHING)
        self._taps: set[object] = set()
        self._taps_closed = asyncio.Event()
        self._warned: dict[str, int] = {}
        self._retry_ns = 0
        self._stopped = False
        self._disk_low = False
        self._no_pictures = False

    # Tracks

    def add_track(self, track: Track, request_keyframe: Callable[[], None], tap: object) -> TrackRecorder:
        """A track begins. `tap` is the connection it comes by."""
        self._taps.add(tap)
        self._taps_closed.clear()
        publisher = self._publishers.setdefault(track.owner, PublisherClock())
        recorder = TrackRecorder(track, self, publisher, self.clock.of_monotonic, request_keyframe)
        self._tracks.add(recorder)
        _log.info("Recording(%s) < %s %s", self.recording_id, track.owner, track.source)
        return recorder

    def refuse_track(self, owner: str, source: str, codec: str) -> None:
        """A track begins that cannot be recorded: people must hear of it now, not when it is over."""
        self._warn("track_refused", f"what {owner!r} sends as {source!r} is in {codec!r}: it is not recorded")

    def end_track(self, recorder: TrackRecorder, at_ms: int | None = None) -> None:
        """A track has ended, now unless told; its file is finished. Again does nothing."""
        if recorder not in self._tracks:
            return
        self._tracks.discard(recorder)
        recorder.end(self.clock.now_ms() if at_ms is None else at_ms)
        track, counts = recorder.track, recorder.counts()
        if recorder.was_refused:
            self._warn(
                "track_refused", f"nothing that {track.owner} sent as {track.source} could be recorded"
            )
        _log.info("Recording(%s) ended %s %s %s", self.recording_id, track.owner, track.source, counts)

    def close_tap(self, tap: object) -> None:
        """A connection will bring no more of this recording."""
        self._taps.discard(tap)
        if not self._taps:
            self._taps_closed.set()

    def expects(self, tap: object) -> bool:
        """Whether this connection has not said that it brings no more."""
        return tap in self._taps

    # Time

    def pause(self, at_ms: int) -> None:
        """Write nothing that is captured from this meeting time on."""
        self.pauses.begin(self.clock.of_meeting(at_ms))

    def resume(self, at_ms: int) -> None:
        """Write again what is captured from this meeting time on."""
        self.pauses.end(self.clock.of_meeting(at_ms))

    def tick(self, now_ns: int) -> None:
        """Time passes; to be called several times a second."""
        for track in list(self._tracks):
            track.tick(now_ns)

    def sync(self) -> None:
        """Wait until the disk has what was written. Blocks; to be called each second from a thread."""
        for part in list(self._open):
            try:
                part.segment.sync()
            except WRITE_ERRORS as error:
                _log.warning("Recording(%s) x sync of %s: %s", self.recording_id, part.name, error)
        try:
            self._ledger.sync()
        except WRITE_ERRORS as error:
            _log.warning("Recording(%s) x sync of the ledger: %s", self.recording_id, error)

    async def stop(self, at_ms: int) -> int:
        """End every track at this meeting time, finish and tell of the files; how many this run had."""
        await self._wait_for_taps()
        end_ms = self.clock.of_meeting(at_ms)
        for recorder in list(self._tracks):
            self.end_track(recorder, end_ms)
        self._stopped = True
        while self._finishing:
            await asyncio.wait(self._finishing)
        # The last lines wait on the disk's thread; closed from here, the ledger would lack them.
        await self._disk.finish(self._ledger.close)
        return self._segments

    async def _wait_for_taps(self) -> None:
        """Until every worker has said that it brings no more; even a worker that we have not heard of yet."""
        try:
            await asyncio.wait_for(self._taps_closed.wait(), CLOSE_WAIT_S)
        except TimeoutError:
            # Where nobody was, nothing is missing.
            if self._taps:
                _log.warning("Recording(%s) x a tap did not close", self.recording_id)

    # Files

    def open_part(self, owner: str, source: str, form: Format, start_ms: int) -> Part | None:
        """Begin the next file of a track; None while the disk has no room, and after the end."""
        if (
            self._stopped
            or time.monotonic_ns() < self._retry_ns
            or (form.kind == "video" and self._no_pictures)
        ):
            return None
        number = self._numbers[owner, source] = self._numbers.get((owner, source), 0) + 1
        segment = Segment(self.folder, SegmentName(owner, source, number), form)
        self.names.add(segment.name)
        part = Part(segment, self._disk, self._ledger, start_ms)
        self._open.add(part)
        return part

    def close_part(self, part: Part, end_ms: int) -> None:
        """Finish a file in the background; `stop` waits for it."""
        task = asyncio.create_task(self._finish(part, end_ms), name=f"finish {part.name}")
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    def watch(self, free_bytes: int, warn_below: int, floor: int) -> None:
        """How the disk does: warn the hosts, then give up pictures; sound goes on to the last byte."""
        if self._disk.backlog_bytes > BACKLOG_BYTES // 2:
            self._warn(Reason.DISK_SLOW, "the disk of recordings does not keep up")
        was_low, self._disk_low = self._disk_low, _is_short(free_bytes, warn_below, self._disk_low)
        if self._disk_low and not was_low:
            self._tell("disk_low", f"{free_bytes // 1_000_000} MB are free on the disk of recordings")
        had_none, self._no_pictures = self._no_pictures, _is_short(free_bytes, floor, self._no_pictures)
        if self._no_pictures and not had_none:
            self._give_up_pictures()

    def _give_up_pictures(self) -> None:
        self._tell("pictures_given_up", "pictures are no longer recorded, sound is")
        for track in self._tracks:
            if track.track.kind == "video":
                track.halt(Reason.DISK_FULL, self.clock.now_ms())

    async def _finish(self, part: Part, end_ms: int) -> None:
        await self._disk.finish()
        try:
            async with self._finishers:
                await self._complete(part, end_ms)
        except Exception as error:
            # Whatever one file does, the others are finished; `recover` finds this one.
            if not isinstance(error, WRITE_ERRORS):
                _log.exception("Recording(%s) x %s", self.recording_id, part.name)
            self._warn(reason_of(error), f"{part.name} could not be finished: {error}")
        finally:
            self._open.discard(part)

    async def _complete(self, part: Part, end_ms: int) -> None:
        if part.failure is None:
            try:
                await asyncio.to_thread(part.segment.finish, end_ms)
            except WRITE_ERRORS as error:
                part.failure, part.message = reason_of(error), str(error)
        if part.failure is not None and not await self._salvage(part, end_ms):
            return
        size, sha256 = await asyncio.to_thread(self.folder.size_and_hash, part.segment.name)
        segment = part.describe(self.recording_id, end_ms, size, sha256)
        self._disk.run(lambda: note(self._ledger, {"segment": segment}))
        self._segments += 1
        self._notify("segment_closed", segment=segment)

    async def _salvage(self, part: Part, end_ms: int) -> bool:
        """Save what a failed file holds; whether it holds anything."""
        assert part.failure is not None
        self._retry_ns = time.monotonic_ns() + RETRY_NS
        self._warn(part.failure, f"{part.name} could not be written further: {part.message}")
        await asyncio.to_thread(part.segment.abandon)
        if not self.folder.open_path(part.segment.name).exists():
            return self.folder.final_path(part.segment.name).exists()
        extent = await asyncio.to_thread(salvage, self.folder, part.segment.name)
        if extent is None:
            return False
        part.add_gap(extent.end_ms, end_ms, part.failure)
        return True

    def _warn(self, code: str, message: str) -> None:
        now = time.monotonic_ns()
        if now - self._warned.get(code, -WARNING_INTERVAL_NS) < WARNING_INTERVAL_NS:
            return
        self._warned[code] = now
        self._tell(code, message)

    def _tell(self, code: str, message: str) -> None:
        _log.warning("Recording(%s) x %s: %s", self.recording_id, code, message)
        self._notify("recording_warning", recording_id=self.recording_id, code=str(code), message=message)


def _is_short(free_bytes: int, limit: int, was_short: bool) -> bool:
    return free_bytes < (limit * ENOUGH_AGAIN if was_short else limit)
