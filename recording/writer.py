"""Frames of one track with their times → files, gaps and silence. Times are ms since the recording began."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from recording import segment
from recording.depacketizer import Frame
from recording.gaps import Pauses, Reason
from recording.part import Part
from recording.segment import Format

# A publisher that sends nothing for this long is a hole, not the quiet of discontinuous transmission
# (Opus sends every 400 ms) or a still picture.
SOUND_NOT_SENT_MS: Final = 1000
PICTURE_NOT_SENT_MS: Final = 5000
# How long the last picture before a hole is taken to have been good, when pictures come rarely.
LONGEST_PICTURE_MS: Final = 1000
# Browsers play a file's sound packet after packet and do not look at the times, so a hole has to hold
# silence or everything after it comes too early. Shorter holes than one frame are jitter of the clock.
SILENCE_MS: Final = segment.SILENCE_MS
# A long hole is filled as it grows, this far behind the present: what is captured now comes within that.
FILL_BEHIND_MS: Final = 3000
# What is filled at once. A hole that grew beyond it unseen, as when the machine slept, is left between two files.
MOST_FILL_MS: Final = 60_000
# For the same reason a publisher whose clock runs fast must lose a packet now and then.
SOUND_AHEAD_MS: Final = 60
# A file per size, so that the archive knows it; beyond this, as when somebody drags the edge of a shared
# window, sizes change within the file. Players follow, for VP8's keyframes tell their size.
SIZE_CHANGES: Final = 10
SIZE_CHANGES_WITHIN_MS: Final = 60_000


class PartStore(Protocol):
    """What a writer needs of its recording."""

    pauses: Pauses

    def open_part(self, owner: str, source: str, form: Format, start_ms: int) -> Part | None:
        """Begin the next file of the track; None while there is no room for one."""

    def close_part(self, part: Part, end_ms: int) -> None:
        """Finish a file, in the background."""


class TrackWriter(ABC):
    """The part of writing that sound and pictures share: one open file, one open gap."""

    def __init__(self, owner: str, source: str, store: PartStore) -> None:
        self.dropped = 0
        self.has_begun = False
        self._owner = owner
        self._source = source
        self._store = store
        self._part: Part | None = None
        self._gap: tuple[float, Reason] | None = None

    def write(self, frame: Frame, at_ms: int) -> None:
        """Put a frame at its moment. What was captured before the recording or in a pause is dropped."""
        if at_ms < 0 or self._store.pauses.covers(at_ms):
            self.dropped += 1
            return
        self._note_pause(at_ms)
        self._write(frame, at_ms)

    def interrupt(self, reason: Reason, at_ms: float = 0) -> None:
        """Media is missing after the last frame (and after `at_ms`), until the next frame that can be used.

        The first reason stands until then.
        """
        if self._part is not None and self._gap is None:
            self._gap = (max(self._part.end_ms, at_ms), reason)

    def end(self, at_ms: int) -> None:
        """The track ends here: finish its file. A later frame begins the next one."""
        if self._part is None:
            return
        at_ms = max(at_ms, self._part.last_ms + 1)
        self._note_pause(at_ms)
        self._complete(self._part, at_ms)
        self._close_gap(at_ms)
        part, self._part = self._part, None
        self._store.close_part(part, at_ms)

    def tick(self, now_ms: int) -> None:  # noqa: ARG002 - sound fills its holes by the clock
        """Time passes, with or without frames."""
        if self._part is not None and self._gap is not None:
            self._part.note_open_gap(*self._gap)

    @abstractmethod
    def _write(self, frame: Frame, at_ms: int) -> None:
        """Put a frame into the file that is open, or begin one."""

    @abstractmethod
    def _complete(self, part: Part, at_ms: int) -> None:
        """Before the end of a file."""

    def _open(self, form: Format, at_ms: int) -> Part | None:
        self._part = self._store.open_part(self._owner, self._source, form, at_ms)
        if self._part is not None:
            self.has_begun = True
            self._part.on_failure = self._failed
        return self._part

    def _note_pause(self, at_ms: int) -> None:
        if self._part is not None:
            pause_ms = self._store.pauses.between(round(self._part.end_ms), at_ms)
            if pause_ms is not None:
                self.interrupt(Reason.PAUSED, pause_ms)

    def _close_gap(self, at_ms: int) -> None:
        if self._part is not None and self._gap is not None:
            self._part.add_gap(*self._gap_until(at_ms))
        self._gap = None

    def _gap_until(self, at_ms: int) -> tuple[float, int, Reason]:
        assert self._gap is not None
        return self._gap[0], at_ms, self._gap[1]

    def _failed(self, part: Part) -> None:
        """A file cannot be written: close it as well as can be; the next frame may begin another."""
        if part is self._part:
            self.interrupt(part.failure or Reason.WRITE_FAILED)
            self.end(part.last_ms + 1)


class SoundWriter(TrackWriter):
    """Opus: every packet stands for itself, and holes are filled with silence."""

    _form = Format("audio", "opus")

    def _write(self, frame: Frame, at_ms: int) -> None:
        if self._part is not None and at_ms - self._part.end_ms > MOST_FILL_MS:
            self.end(round(self._part.end_ms))
        part = self._part or self._open(self._form, at_ms)
        if part is None:
            self.dropped += 1
            return
        if at_ms - part.end_ms > SOUND_NOT_SENT_MS:
            self.interrupt(Reason.NOT_SENT)
        if not part.keeps_up:
            self.interrupt(Reason.DISK_SLOW)
        if part.end_ms - at_ms > SOUND_AHEAD_MS or not part.keeps_up:
            self.dropped += 1
            return
        self._close_gap(at_ms)
        self._fill(part, at_ms)
        part.write(at_ms, frame.duration_ms, frame.data, True)
        part.end_ms += frame.duration_ms

    def tick(self, now_ms: int) -> None:
        """Fill a hole as it grows: hours of silence at once would hold everything else up."""
        until_ms = now_ms - FILL_BEHIND_MS
        if self._part is not None and until_ms - self._part.end_ms > SOUND_NOT_SENT_MS:
            self._note_pause(until_ms)
            self.interrupt(Reason.NOT_SENT)
            self._fill(self._part, until_ms)
        super().tick(now_ms)

    def _complete(self, part: Part, at_ms: int) -> None:
        self._fill(part, at_ms)

    def _fill(self, part: Part, until_ms: int) -> None:
        """Write silence up to here. `part.end_ms` counts sound, so that the remainders do not add up."""
        frames = int(min(until_ms - part.end_ms, MOST_FILL_MS) // SILENCE_MS)
        if frames > 0:
            part.fill(round(part.end_ms), frames)
            part.end_ms += frames * SILENCE_MS


class PictureWriter(TrackWriter):
    """VP8: after a hole nothing is written before the next keyframe; another size may begin another file."""

    def __init__(
        self, owner: str, source: str, store: PartStore, request_keyframe: Callable[[], None]
    ) -> None:
        super().__init__(owner, source, store)
        self._request_keyframe = request_keyframe
        self._interval_ms = 0
        self._opened: deque[int] = deque(maxlen=SIZE_CHANGES)

    def _write(self, frame: Frame, at_ms: int) -> None:
        if self._part is not None:
            self._note_absence(self._part, at_ms)
        if self._part is not None and not self._part.keeps_up:
            self.interrupt(Reason.DISK_SLOW)
            self.dropped += 1
            return
        if not frame.keyframe and (self._part is None or self._gap is not None):
            self.dropped += 1
            self._request_keyframe()
            return
        part = self._part_for(frame, at_ms)
        if part is None:
            self.dropped += 1
            return
        self._close_gap(at_ms)
        self._put(part, frame, at_ms)

    def _complete(self, part: Part, at_ms: int) -> None:
        self._note_absence(part, at_ms)

    def _note_absence(self, part: Part, at_ms: int) -> None:
        """A camera that sent nothing. The next picture needs no keyframe: no packet is missing."""
        if self._gap is not None or self._source == "screen":
            return
        if at_ms - part.last_ms > PICTURE_NOT_SENT_MS:
            part.add_gap(part.end_ms, at_ms, Reason.NOT_SENT)

    def _put(self, part: Part, frame: Frame, at_ms: int) -> None:
        before_ms = part.last_ms
        part.write(at_ms, 0, frame.data, frame.keyframe)
        if before_ms >= part.start_ms:
            self._interval_ms = min(part.last_ms - before_ms, LONGEST_PICTURE_MS)
        part.end_ms = part.last_ms + self._interval_ms

    def _part_for(self, frame: Frame, at_ms: int) -> Part | None:
        if self._part is not None:
            form = self._part.segment.format
            same = not frame.keyframe or (form.width, form.height) == (frame.width, frame.height)
            if same or not self._may_open(at_ms):
                return self._part
            self.end(at_ms)
        part = self._open(Format("video", "VP8", frame.width, frame.height), at_ms)
        if part is not None:
            self._opened.append(at_ms)
        return part

    def _may_open(self, at_ms: int) -> bool:
        return len(self._opened) < SIZE_CHANGES or self._opened[0] <= at_ms - SIZE_CHANGES_WITHIN_MS
