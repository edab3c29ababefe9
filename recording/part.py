"""One file of a track as the event loop sees it: orders go to the disk thread, failures come back."""

import asyncio
import errno
import logging
from collections.abc import Callable
from typing import Any, Final

from recording.disk import DiskThread
from recording.gaps import Gap, GapList, Reason
from recording.ledger import Ledger
from recording.segment import SILENCE, SILENCE_MS, WRITE_ERRORS, Segment

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_log = logging.getLogger(__name__)


class Part:
    """A file being written, its extent and its gaps, in ms since the recording began.

    `end_ms` is where the last frame ends as far as is known. `failure` is set once the file cannot be
    written further; the frames after that are lost.
    """

    def __init__(self, segment: Segment, disk: DiskThread, ledger: Ledger, start_ms: int) -> None:
        self.segment = segment
        self.start_ms = start_ms
        self.end_ms: float = start_ms
        self.last_ms = start_ms - 1
        self.gaps = GapList()
        self.failure: Reason | None = None
        self.message = ""
        self.on_failure: Callable[[Part], None] | None = None
        self._disk = disk
        self._ledger = ledger
        self._loop = asyncio.get_running_loop()
        self._open_gap: tuple[float, Reason] | None = None
        self._note({"part": self.name, "start_ms": start_ms})

    @property
    def name(self) -> str:
        """The file's final name."""
        return str(self.segment.name)

    @property
    def keeps_up(self) -> bool:
        """Whether the disk does; while it does not, frames should be dropped and noted."""
        return self._disk.keeps_up

    def write(self, at_ms: int, duration_ms: float, data: bytes, keyframe: bool) -> None:
        """Add a frame, no earlier than one ms after the last."""
        at_ms = self.last_ms = max(at_ms, self.last_ms + 1)

        def job() -> None:
            self._try(lambda: self.segment.write(at_ms, round(duration_ms), data, keyframe))

        self._disk.run(job, len(data))

    def fill(self, at_ms: int, frames: int) -> None:
        """Add frames of silence from here."""
        at_ms = max(at_ms, self.last_ms + 1)
        self.last_ms = at_ms + (frames - 1) * SILENCE_MS
        self._disk.run(lambda: self._try(lambda: self.segment.fill(at_ms, frames)), frames * len(SILENCE))

    def add_gap(self, start_ms: float, end_ms: float, reason: Reason) -> None:
        """Note a hole; one of no length is none."""
        gap = Gap.whole(round(start_ms), round(end_ms), reason)
        if gap.end_ms > gap.start_ms:
            self.gaps.add(gap)
            self._note({"gap": self.name, **gap.as_dict()})

    def note_open_gap(self, start_ms: float, reason: Reason) -> None:
        """Note once that a hole has begun: a crash before its end must not make sound of its silence."""
        if self._open_gap != (start_ms, reason):
            self._open_gap = start_ms, reason
            self._note({"gap_open": self.name, "start_ms": round(start_ms), "reason": reason})

    def describe(self, recording_id: str, end_ms: int, size: int, sha256: str) -> dict[str, Any]:
        """The finished file as the server hears of it."""
        name, form = self.segment.name, self.segment.format
        return {
            "recording_id": recording_id,
            "name": str(name),
            "participant_id": name.participant_id,
            "source": name.source,
            "kind": form.kind,
            "codec": form.codec,
            "start_ms": self.start_ms,
            "end_ms": end_ms,
            "size": size,
            "sha256": sha256,
            "gaps": [gap.as_dict() for gap in self.gaps.in_order()],
            "width": form.width,
            "height": form.height,
        }

    def _try(self, write: Callable[[], None]) -> None:
        """On the disk thread: nothing that a file does may end it."""
        if self.failure is not None:
            return
        try:
            write()
        except Exception as error:
            if not isinstance(error, WRITE_ERRORS):
                _log.exception("Part(%s) x an error that writing should not have", self.name)
            self.failure, self.message = reason_of(error), str(error)
            self._loop.call_soon_threadsafe(self._failed)

    def _failed(self) -> None:
        if self.on_failure is not None:
            self.on_failure(self)

    def _note(self, entry: dict[str, Any]) -> None:
        self._disk.run(lambda: note(self._ledger, entry))


def note(ledger: Ledger, entry: dict[str, Any]) -> None:
    """Append to a ledger, on the disk thread. On a full disk the files matter more than their account."""
    try:
        ledger.append(entry)
    except (OSError, ValueError):
        return


def reason_of(error: BaseException) -> Reason:
    """The gap's reason for an error of writing."""
    return Reason.DISK_FULL if isinstance(error, OSError) and error.errno in _FULL else Reason.WRITE_FAILED
