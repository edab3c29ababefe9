"""What a meeting is, as a fold over its log: nothing here decides, everything follows from the events."""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from rooms import events
from rooms.chat import Chat, Message
from rooms.floor import Floor
from rooms.ids import MeetingId, ParticipantId, RecordingId
from rooms.log import LoggedEvent, iso
from rooms.media import VideoCodec
from rooms.participant import Participant, Source
from rooms.recording import Recording, RecordingPhase


class MeetingPhase(enum.StrEnum):
    """planned → running (somebody came) → ended (the chair said so). Everybody leaving ends nothing."""

    PLANNED = "planned"
    RUNNING = "running"
    ENDED = "ended"


@dataclass
class MeetingState:
    """The state after the events applied so far. Two states with the same log are equal."""

    meeting_id: MeetingId
    title: str = ""
    code: str = ""
    created_by: str = ""
    participant_limit: int = events.DEFAULT_PARTICIPANT_LIMIT
    video_codec: VideoCodec = VideoCodec.VP8
    phase: MeetingPhase = MeetingPhase.PLANNED
    started_at: datetime | None = None
    participants: dict[ParticipantId, Participant] = field(default_factory=dict)
    """Everybody who ever was here, in the order of first coming; `present` tells who is."""
    speaker: ParticipantId | None = None
    """Who is heard above all others."""
    floor: Floor = field(default_factory=Floor)
    chat: Chat = field(default_factory=Chat)
    recordings: dict[RecordingId, Recording] = field(default_factory=dict)
    last: LoggedEvent | None = None
    """The end of the log: what the next events are chained to."""

    @classmethod
    def replay(cls, logged: Iterable[LoggedEvent]) -> Self:
        """Return the meeting that a stored log tells of. Raises ValueError when it is empty or has a hole."""
        remaining = iter(logged)
        first = next(remaining, None)
        if first is None:
            raise ValueError("a meeting's log has at least one event")
        meeting = cls(first.meeting_id)
        meeting.apply(first)
        for following in remaining:
            meeting.apply(following)
        return meeting

    def apply(self, logged: LoggedEvent) -> None:
        """Take in the next event of the log. Raises ValueError for an event of another place or meeting."""
        if (logged.meeting_id, logged.seq) != (self.meeting_id, self.seq + 1):
            raise ValueError(f"event {logged.seq} of {logged.meeting_id} does not follow {self.seq}")
        _FOLDS[type(logged.event)](self, logged.event, logged)
        self.last = logged

    @property
    def seq(self) -> int:
        return self.last.seq if self.last else 0

    @property
    def present(self) -> list[Participant]:
        """Who is in the meeting now, cut off for the moment or not."""
        return [participant for participant in self.participants.values() if participant.present]

    def is_present(self, participant_id: ParticipantId) -> bool:
        """Whether somebody is in the meeting now, cut off for the moment or not."""
        participant = self.participants.get(participant_id)
        return participant is not None and participant.present

    @property
    def running_recording(self) -> Recording | None:
        """The recording that is being made, paused or not. There is at most one."""
        return next((recording for recording in self.recordings.values() if recording.running), None)

    def snapshot(self) -> dict[str, Any]:
        """Return what a newcomer has to know (PROTOCOL.md, Snapshot); the events after `seq` keep it true."""
        return {
            "meeting_id": self.meeting_id,
            "title": self.title,
            "code": self.code,
            "state": self.phase.value,
            "started_at": _iso_or_none(self.started_at),
            "video_codec": self.video_codec.value,
            "seq": self.seq,
            "participants": [self._participant_snapshot(participant) for participant in self.present],
            "speaker": self.speaker,
            "hands": list(self.floor.hands),
            "chat": [_message_snapshot(message) for message in self.chat.messages],
            "recording": _recording_snapshot(self.running_recording),
        }

    def _participant_snapshot(self, participant: Participant) -> dict[str, Any]:
        return {
            "participant_id": participant.id,
            "name": participant.name,
            "role": participant.role.value,
            "kind": participant.kind.value,
            "connected": participant.connected,
            "joined_at": iso(participant.joined_at),
            "tracks": [_track_snapshot(participant, source) for source in participant.tracks],
            "hand_raised_at": _iso_or_none(self.floor.hands.get(participant.id)),
        }

    def _on_created(self, event: events.MeetingCreated, _: LoggedEvent) -> None:
        self.title = event.title
        self.code = event.code
        self.created_by = event.created_by
        self.participant_limit = event.participant_limit
        self.video_codec = event.video_codec

    def _on_started(self, _: events.MeetingStarted, logged: LoggedEvent) -> None:
        self.phase = MeetingPhase.RUNNING
        self.started_at = logged.time

    def _on_ended(self, _: events.MeetingEnded, __: LoggedEvent) -> None:
        self.phase = MeetingPhase.ENDED

    def _on_joined(self, event: events.ParticipantJoined, logged: LoggedEvent) -> None:
        self.participants[event.participant_id] = Participant(
            event.participant_id, event.name, event.role, event.kind, logged.time
        )

    def _on_disconnected(self, event: events.ParticipantDisconnected, _: LoggedEvent) -> None:
        self.participants[event.participant_id].connected = False

    def _on_reconnected(self, event: events.ParticipantReconnected, _: LoggedEvent) -> None:
        self.participants[event.participant_id].connected = True

    def _on_left(self, event: events.ParticipantLeft, _: LoggedEvent) -> None:
        self.participants[event.participant_id].leave()
        self.floor.lower_hand(event.participant_id)
        if self.speaker == event.participant_id:
            self.speaker = None

    def _on_published(self, event: events.TrackPublished, _: LoggedEvent) -> None:
        self.participants[event.participant_id].tracks[event.source] = False

    def _on_unpublished(self, event: events.TrackUnpublished, _: LoggedEvent) -> None:
        participant = self.participants[event.participant_id]
        del participant.tracks[event.source]
        participant.silent.discard(event.source)

    def _on_muted(self, event: events.TrackMuted, _: LoggedEvent) -> None:
        participant = self.participants[event.participant_id]
        participant.tracks[event.source] = True
        participant.silent.discard(event.source)

    def _on_unmuted(self, event: events.TrackUnmuted, _: LoggedEvent) -> None:
        self.participants[event.participant_id].tracks[event.source] = False

    def _on_media_lost(self, event: events.MediaLost, _: LoggedEvent) -> None:
        self.participants[event.participant_id].silent.add(event.source)

    def _on_media_returned(self, event: events.MediaReturned, _: LoggedEvent) -> None:
        self.participants[event.participant_id].silent.discard(event.source)

    def _on_speaker_changed(self, event: events.SpeakerChanged, _: LoggedEvent) -> None:
        self.speaker = event.participant_id

    def _on_link_quality(self, _: events.LinkQuality, __: LoggedEvent) -> None:
        """Evidence for those who read the log; who is in the meeting is told of the present every few seconds."""

    def _on_hand_raised(self, event: events.HandRaised, logged: LoggedEvent) -> None:
        self.floor.raise_hand(event.participant_id, logged.time)

    def _on_hand_lowered(self, event: events.HandLowered, _: LoggedEvent) -> None:
        self.floor.lower_hand(event.participant_id)

    def _on_chat(self, event: events.ChatSent, logged: LoggedEvent) -> None:
        name = self.participants[event.participant_id].name
        self.chat.messages.append(
            Message(event.message_id, event.participant_id, name, event.text, logged.time)
        )

    def _on_recording_started(self, event: events.RecordingStarted, logged: LoggedEvent) -> None:
        self.recordings[event.recording_id] = Recording(event.recording_id, logged.time, logged.meeting_ms)

    def _on_recording_paused(self, event: events.RecordingPaused, _: LoggedEvent) -> None:
        self.recordings[event.recording_id].phase = RecordingPhase.PAUSED

    def _on_recording_resumed(self, event: events.RecordingResumed, _: LoggedEvent) -> None:
        recording = self.recordings[event.recording_id]
        recording.phase, recording.interrupted = RecordingPhase.RECORDING, False

    def _on_recording_stopped(self, event: events.RecordingStopped, logged: LoggedEvent) -> None:
        recording = self.recordings[event.recording_id]
        recording.phase = RecordingPhase.STOPPED
        recording.ended_at, recording.end_ms = logged.time, logged.meeting_ms

    def _on_recording_interrupted(self, event: events.RecordingInterrupted, _: LoggedEvent) -> None:
        self.recordings[event.recording_id].interrupted = True

    def _on_recording_warned(self, event: events.RecordingWarned, logged: LoggedEvent) -> None:
        self.recordings[event.recording_id].warned[event.reason] = logged.meeting_ms

    def _on_segment_closed(self, event: events.SegmentClosed, _: LoggedEvent) -> None:
        self.recordings[event.recording_id].segments.add(event.name)

    def _on_recording_ready(self, event: events.RecordingReady, _: LoggedEvent) -> None:
        self.recordings[event.recording_id].phase = RecordingPhase.READY


def _iso_or_none(time: datetime | None) -> str | None:
    return iso(time) if time else None


def _track_snapshot(participant: Participant, source: Source) -> dict[str, Any]:
    track = {"source": source.value, "muted": participant.tracks[source]}
    return track | {"lost": True} if source in participant.silent else track


def _message_snapshot(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "participant_id": message.participant_id,
        "name": message.name,
        "text": message.text,
        "time": iso(message.time),
    }


def _recording_snapshot(recording: Recording | None) -> dict[str, Any] | None:
    if recording is None:
        return None
    return {
        "recording_id": recording.id,
        "state": recording.phase.value,
        "interrupted": recording.interrupted,
        "started_at": iso(recording.started_at),
    }


_Fold = Callable[[MeetingState, Any, LoggedEvent], None]

_FOLDS: dict[type[events.Event], _Fold] = {
    events.MeetingCreated: MeetingState._on_created,
    events.MeetingStarted: MeetingState._on_started,
    events.MeetingEnded: MeetingState._on_ended,
    events.ParticipantJoined: MeetingState._on_joined,
    events.ParticipantDisconnected: MeetingState._on_disconnected,
    events.ParticipantReconnected: MeetingState._on_reconnected,
    events.ParticipantLeft: MeetingState._on_left,
    events.TrackPublished: MeetingState._on_published,
    events.TrackUnpublished: MeetingState._on_unpublished,
    events.TrackMuted: MeetingState._on_muted,
    events.TrackUnmuted: MeetingState._on_unmuted,
    events.MediaLost: MeetingState._on_media_lost,
    events.MediaReturned: MeetingState._on_media_returned,
    events.SpeakerChanged: MeetingState._on_speaker_changed,
    events.LinkQuality: MeetingState._on_link_quality,
    events.HandRaised: MeetingState._on_hand_raised,
    events.HandLowered: MeetingState._on_hand_lowered,
    events.ChatSent: MeetingState._on_chat,
    events.RecordingStarted: MeetingState._on_recording_started,
    events.RecordingPaused: MeetingState._on_recording_paused,
    events.RecordingResumed: MeetingState._on_recording_resumed,
    events.RecordingStopped: MeetingState._on_recording_stopped,
    events.RecordingInterrupted: MeetingState._on_recording_interrupted,
    events.RecordingWarned: MeetingState._on_recording_warned,
    events.SegmentClosed: MeetingState._on_segment_closed,
    events.RecordingReady: MeetingState._on_recording_ready,
}
