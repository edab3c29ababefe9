"""Refusals of a meeting.

MeetingError
├── MeetingFull · MeetingEnded · MeetingNotRunning
├── NotAllowed
├── ParticipantUnknown · ParticipantAbsent
├── NameInvalid · TitleInvalid · TextEmpty · TextTooLong
├── HandAlreadyRaised · HandNotRaised
├── SourceTaken · SourceUnknown
├── RecordingAlreadyRunning · RecordingNotRunning · RecordingUnknown
└── RecordingAlreadyPaused · RecordingNotPaused
LogError                a stored log that cannot be trusted or read
├── BadEvent
└── BrokenChain

A command that raises a MeetingError has changed nothing. The sentence for people is in the catalogue under
`errors.<code>`.
"""

from typing import ClassVar


class MeetingError(Exception):
    """A command was refused; `code` is stable and part of the protocol."""

    code: ClassVar[str] = "meeting_error"

    def __init__(self) -> None:
        super().__init__(self.code)


class MeetingFull(MeetingError):
    code = "meeting_full"


class MeetingEnded(MeetingError):
    code = "meeting_ended"


class MeetingNotRunning(MeetingError):
    """The meeting has not begun: nobody has come in yet."""

    code = "meeting_not_running"


class NotAllowed(MeetingError):
    code = "not_allowed"


class ParticipantUnknown(MeetingError):
    """Nobody of this id was ever in the meeting."""

    code = "participant_unknown"


class ParticipantAbsent(MeetingError):
    """The participant has left, or is cut off just now and cannot act."""

    code = "participant_absent"


class NameInvalid(MeetingError):
    code = "name_invalid"


class TitleInvalid(MeetingError):
    code = "title_invalid"


class TextEmpty(MeetingError):
    code = "text_empty"


class TextTooLong(MeetingError):
    code = "text_too_long"


class HandAlreadyRaised(MeetingError):
    code = "hand_already_raised"


class HandNotRaised(MeetingError):
    code = "hand_not_raised"


class SourceTaken(MeetingError):
    """The participant already publishes this source."""

    code = "source_taken"


class SourceUnknown(MeetingError):
    """The participant does not publish this source."""

    code = "source_unknown"


class RecordingAlreadyRunning(MeetingError):
    code = "recording_already_running"


class RecordingNotRunning(MeetingError):
    code = "recording_not_running"


class RecordingAlreadyPaused(MeetingError):
    code = "recording_already_paused"


class RecordingNotPaused(MeetingError):
    code = "recording_not_paused"


class RecordingUnknown(MeetingError):
    """This meeting has no recording of this id."""

    code = "recording_unknown"


class LogError(Exception):
    """A stored log that cannot be trusted or read: damage, or a version that does not know us."""


class BadEvent(LogError):
    """An event of an unknown type, or whose data are not what its type promises."""


class BrokenChain(LogError):
    """The log was altered at `seq`, or what belongs before it is missing."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"the log's chain is broken at {seq}")
        self.seq = seq
