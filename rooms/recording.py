"""What is known of the recordings of one meeting."""

import enum
from dataclasses import dataclass, field
from datetime import datetime

from rooms.ids import RecordingId


class RecordingPhase(enum.StrEnum):
    """recording ⇄ paused; either → stopped → ready."""

    RECORDING = "recording"
    PAUSED = "paused"
    STOPPED = "stopped"
    READY = "ready"


@dataclass(slots=True)
class Recording:
    """One recording: begun and stopped by the chair, its files closed later by the recorder."""

    id: RecordingId
    started_at: datetime
    start_ms: int
    """The meeting's time when it began: zero of the recording's own time."""
    phase: RecordingPhase = RecordingPhase.RECORDING
    interrupted: bool = False
    """Whether the recorder has failed it and was not seen to write again since."""
    ended_at: datetime | None = None
    end_ms: int | None = None
    """When it was stopped, by the calendar's time and the meeting's."""
    warned: dict[str, int] = field(default_factory=dict)
    """The meeting's time at which each warning was told last."""
    segments: set[str] = field(default_factory=set)
    """Names of the closed files, so that a repeated report of one is not a second fact."""

    @property
    def running(self) -> bool:
        return self.phase in (RecordingPhase.RECORDING, RecordingPhase.PAUSED)
