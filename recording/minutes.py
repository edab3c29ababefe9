"""The minutes: what the log says of a meeting, gathered for a secretary. Nothing here is guessed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rooms import events
from rooms.attendance import Attendance, attendance
from rooms.ids import MeetingId, ParticipantId, RecordingId
from rooms.log import LoggedEvent, Moment
from rooms.participant import Source


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to another; `end` is None while it lasts."""

    start: Moment
    end: Moment | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message, under the name its author had then."""

    moment: Moment
    participant_id: ParticipantId
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Hand:
    """One request to speak, from raising to lowering."""

    span: Span
    participant_id: ParticipantId
    name: str


@dataclass(frozen=True, slots=True)
class SharedScreen:
    """One sharing of a screen."""

    span: Span
    participant_id: ParticipantId
    name: str


@dataclass(frozen=True, slots=True)
class Interruption:
    """A gap in a recording began, or part of it was lost; `reason` is the code that the log has."""

    moment: Moment
    reason: str


@dataclass(frozen=True, slots=True)
class RecordingTimes:
    """When one recording ran, was paused and was interrupted."""

    recording_id: RecordingId
    span: Span
    pauses: tuple[Span, ...] = ()
    interruptions: tuple[Interruption, ...] = ()


@dataclass(frozen=True, slots=True)
class Minutes:
    """Everything the log has for the minutes, in the order of happening.

    `start` is the coming of the first participant, `end` the chair's closing; None while they have not come.
    `last_hash` and `last_seq` name the state of the log: who has it can prove the minutes true to it.
    """

    meeting_id: MeetingId
    title: str
    code: str
    start: Moment | None
    end: Moment | None
    attendance: tuple[Attendance, ...]
    recordings: tuple[RecordingTimes, ...]
    messages: tuple[Message, ...]
    hands: tuple[Hand, ...]
    screens: tuple[SharedScreen, ...]
    last_seq: int
    last_hash: str


def assemble(log: Sequence[LoggedEvent]) -> Minutes:
    """Return the minutes of a log from its first event on, ended or not. Raises ValueError when it is empty.

    The chain is taken as it is: `rooms.log.verify` tells whether it holds.
    """
    if not log or not isinstance(log[0].event, events.MeetingCreated):
        raise ValueError("a meeting's log begins with its creation")
    book = _Book()
    for logged in log:
        if entry := _ENTRIES.get(type(logged.event)):
            entry(book, logged.event, logged.moment)
    created, last = log[0].event, log[-1]
    return Minutes(
        meeting_id=last.meeting_id,
        title=created.title,
        code=created.code,
        start=book.start,
        end=book.end,
        attendance=tuple(attendance(log)),
        recordings=tuple(book.recordings.values()),
        messages=tuple(book.messages),
        hands=tuple(book.hands),
        screens=tuple(book.screens),
        last_seq=last.seq,
        last_hash=last.hash,
    )


@dataclass(slots=True)
class _Book:
    """The minutes being written. What has begun is entered with an open end, which is closed in its place."""

    start: Moment | None = None
    end: Moment | None = None
    names: dict[ParticipantId, str] = field(default_factory=dict)
    cuts: dict[ParticipantId, Moment] = field(default_factory=dict)
    recordings: dict[RecordingId, RecordingTimes] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    hands: list[Hand] = field(default_factory=list)
    screens: list[SharedScreen] = field(default_factory=list)

    def started(self, _: events.MeetingStarted, now: Moment) -> None:
        self.start = now

    def ended(self, _: events.MeetingEnded, now: Moment) -> None:
        self.end = now

    def joined(self, event: events.ParticipantJoined, _: Moment) -> None:
        self.names[event.participant_id] = event.name

    def disconnected(self, event: events.ParticipantDisconnected, now: Moment) -> None:
        self.cuts[event.participant_id] = now

    def reconnected(self, event: events.ParticipantReconnected, _: Moment) -> None:
        self.cuts.pop(event.participant_id, None)

    def left(self, event: events.ParticipantLeft, now: Moment) -> None:
        """Close what is open: at the cut, as `rooms.attendance` does, for who was cut off and never came back."""
        end = self.cuts.pop(event.participant_id, now)
        self._close(self.hands, event.participant_id, end)
        self._close(self.screens, event.participant_id, end)

    def published(self, event: events.TrackPublished, now: Moment) -> None:
        if event.source is Source.SCREEN:
            name = self.names[event.participant_id]
            self.screens.append(SharedScreen(Span(now), event.participant_id, name))

    def unpublished(self, event: events.TrackUnpublished, now: Moment) -> None:
        if event.source is Source.SCREEN:
            self._close(self.screens, event.participant_id, now)

    def hand_raised(self, event: events.HandRaised, now: Moment) -> None:
        self.hands.append(Hand(Span(now), event.participant_id, self.names[event.participant_id]))

    def hand_lowered(self, event: events.HandLowered, now: Moment) -> None:
        self._close(self.hands, event.participant_id, now)

    def said(self, event: events.ChatSent, now: Moment) -> None:
        name = self.names[event.participant_id]
        self.messages.append(Message(now, event.participant_id, name, event.text))

    def recording_started(self, event: events.RecordingStarted, now: Moment) -> None:
        self.recordings[event.recording_id] = RecordingTimes(event.recording_id, Span(now))

    def recording_paused(self, event: events.RecordingPaused, now: Moment) -> None:
        recording = self.recordings[event.recording_id]
        self.recordings[event.recording_id] = replace(recording, pauses=(*recording.pauses, Span(now)))

    def recording_resumed(self, event: events.RecordingResumed, now: Moment) -> None:
        self._end_pause(event.recording_id, now)

    def recording_stopped(self, event: events.RecordingStopped, now: Moment) -> None:
        self._end_pause(event.recording_id, now)
        recording = self.recordings[event.recording_id]
        self.recordings[event.recording_id] = replace(recording, span=Span(recording.span.start, now))

    def recording_interrupted(self, event: events.RecordingInterrupted, now: Moment) -> None:
        recording = self.recordings[event.recording_id]
        interruptions = (*recording.interruptions, Interruption(now, event.reason))
        self.recordings[event.recording_id] = replace(recording, interruptions=interruptions)

    def recording_warned(self, event: events.RecordingWarned, now: Moment) -> None:
        # Little room is the operators' concern; nothing is missing yet.
        if event.reason != "disk_low":
            self.recording_interrupted(events.RecordingInterrupted(event.recording_id, event.reason), now)

    def _end_pause(self, recording_id: RecordingId, now: Moment) -> None:
        recording = self.recordings[recording_id]
        pauses = tuple(Span(pause.start, pause.end or now) for pause in recording.pauses)
        self.recordings[recording_id] = replace(recording, pauses=pauses)

    @staticmethod
    def _close(entries: list[Any], participant_id: ParticipantId, now: Moment) -> None:
        """Close a participant's open entry, if there is one; at most one of a kind is open at a time."""
        for index in range(len(entries) - 1, -1, -1):
            entry = entries[index]
            if entry.participant_id == participant_id:
                if entry.span.end is None:
                    entries[index] = replace(entry, span=Span(entry.span.start, now))
                return


_ENTRIES: dict[type[events.Event], Callable[[_Book, Any, Moment], None]] = {
    events.MeetingStarted: _Book.started,
    events.MeetingEnded: _Book.ended,
    events.ParticipantJoined: _Book.joined,
    events.ParticipantDisconnected: _Book.disconnected,
    events.ParticipantReconnected: _Book.reconnected,
    events.ParticipantLeft: _Book.left,
    events.TrackPublished: _Book.published,
    events.TrackUnpublished: _Book.unpublished,
    events.HandRaised: _Book.hand_raised,
    events.HandLowered: _Book.hand_lowered,
    events.ChatSent: _Book.said,
    events.RecordingStarted: _Book.recording_started,
    events.RecordingPaused: _Book.recording_paused,
    events.RecordingResumed: _Book.recording_resumed,
    events.RecordingStopped: _Book.recording_stopped,
    events.RecordingInterrupted: _Book.recording_interrupted,
    events.RecordingWarned: _Book.recording_warned,
}
