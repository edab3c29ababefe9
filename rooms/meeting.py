"""The rules of a meeting: a command returns the events that follow, or raises and has changed nothing.

Commands only look; the state moves when the caller has stored the events and applies them:

    events = meeting.raise_hand(actor)
    logged = chain(meeting.last, meeting.meeting_id, actor, events, now)
    ...store them...
    for event in logged: meeting.apply(event)

No events returned means: it is so already, nothing to store or tell.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rooms import errors
from rooms.events import (
    DEFAULT_PARTICIPANT_LIMIT,
    ChatSent,
    Event,
    Gap,
    HandLowered,
    HandRaised,
    LinkQuality,
    MediaLost,
    MediaReturned,
    MeetingCreated,
    MeetingEnded,
    MeetingStarted,
    ParticipantDisconnected,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantReconnected,
    RecordingInterrupted,
    RecordingPaused,
    RecordingReady,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
    RecordingWarned,
    SegmentClosed,
    SpeakerChanged,
    TrackMuted,
    TrackPublished,
    TrackUnmuted,
    TrackUnpublished,
)
from rooms.fields import read_fields
from rooms.ids import ParticipantId, RecordingId
from rooms.media import Link, VideoCodec
from rooms.participant import Kind, LeaveReason, Participant, Source
from rooms.permissions import Action, Actor, Role, check
from rooms.recording import Recording, RecordingPhase
from rooms.state import MeetingPhase, MeetingState
from rooms.text import clean_name, clean_text, clean_title

# Free space that hovers about a limit must not fill the minutes.
WARNING_INTERVAL_MS = 600_000


class Meeting(MeetingState):
    """A meeting that can be acted on, by a participant or by an Actor from outside the room."""

    @staticmethod
    def create(
        title: str,
        code: str,
        created_by: str,
        participant_limit: int = DEFAULT_PARTICIPANT_LIMIT,
        video_codec: VideoCodec = VideoCodec.VP8,
    ) -> list[Event]:
        """Plan a meeting. Raises TitleInvalid."""
        return [MeetingCreated(clean_title(title), code, created_by, participant_limit, video_codec)]

    def admit(
        self, participant_id: ParticipantId, name: str, role: Role, kind: Kind = Kind.PERSON
    ) -> list[Event]:
        """Let somebody in, or back in; whoever is in already keeps the seat, name and role they have.

        The first to come starts the meeting. Raises MeetingEnded, MeetingFull or NameInvalid.
        """
        self._check_not_ended()
        seat = self.participants.get(participant_id)
        if seat and seat.present:
            return self.reconnect(participant_id)
        if len(self.present) >= self.participant_limit:
            raise errors.MeetingFull
        joined = ParticipantJoined(participant_id, clean_name(name), role, kind)
        return [joined] if self.phase is MeetingPhase.RUNNING else [MeetingStarted(), joined]

    def disconnect(self, participant_id: ParticipantId) -> list[Event]:
        """Note that a connection is lost; the seat stays. No event for whoever has left already."""
        seat = self._seat(participant_id)
        return [ParticipantDisconnected(participant_id)] if seat.connected else []

    def reconnect(self, participant_id: ParticipantId) -> list[Event]:
        """Note that a connection is back. Raises ParticipantAbsent when the seat was given up meanwhile."""
        seat = self._present(participant_id)
        return [] if seat.connected else [ParticipantReconnected(participant_id)]

    def leave(self, participant_id: ParticipantId, reason: LeaveReason = LeaveReason.LEFT) -> list[Event]:
        """Give up the seat: tracks end, the hand goes down. The meeting goes on, even without anybody."""
        self._present(participant_id)
        return [ParticipantLeft(participant_id, LeaveReason(reason))]

    def publish(self, participant_id: ParticipantId, source: Source) -> list[Event]:
        """Begin a track, unmuted. Raises NotAllowed, SourceTaken."""
        seat = self._acting(participant_id, Action.PUBLISH)
        if source in seat.tracks:
            raise errors.SourceTaken
        return [TrackPublished(participant_id, Source(source))]

    def unpublish(self, participant_id: ParticipantId, source: Source) -> list[Event]:
        """End a track. Raises SourceUnknown."""
        self._track(participant_id, source)
        return [TrackUnpublished(participant_id, Source(source))]

    def mute(
        self, actor: ParticipantId | Actor, participant_id: ParticipantId, source: Source, muted: bool
    ) -> list[Event]:
        """Mute or unmute one's own track, or mute another's. Raises NotAllowed, SourceUnknown.

        Not even the chair unmutes somebody: a microphone that opens by itself is a bug in the wall.
        """
        self._check_running()
        if actor != participant_id:
            self._check_role(actor, Action.MUTE_OTHERS)
            if not muted:
                raise errors.NotAllowed
        if self._track(participant_id, source) is muted:
            return []
        event = TrackMuted if muted else TrackUnmuted
        return [event(participant_id, Source(source))]

    def lose_media(self, participant_id: ParticipantId, source: Source, reason: str) -> list[Event]:
        """Note that a track brings nothing, once until it does again; one that is muted or gone is not missed."""
        seat = self.participants.get(participant_id)
        if seat is None or seat.tracks.get(source) is not False or source in seat.silent:
            return []
        return [MediaLost(participant_id, Source(source), reason)]

    def regain_media(self, participant_id: ParticipantId, source: Source) -> list[Event]:
        """Note that a track that was lost is back."""
        seat = self.participants.get(participant_id)
        lost = seat is not None and source in seat.silent
        return [MediaReturned(participant_id, Source(source))] if lost else []

    def change_speaker(self, participant_id: ParticipantId | None) -> list[Event]:
        """Note who is heard above all others now, None for nobody; no event for whoever has left already."""
        if participant_id == self.speaker or not (participant_id is None or self.is_present(participant_id)):
            return []
        return [SpeakerChanged(participant_id)]

    def note_quality(self, links: Mapping[ParticipantId, Link]) -> list[Event]:
        """Note how the lines of those who are here fare."""
        here = {
            participant_id: link for participant_id, link in links.items() if self.is_present(participant_id)
        }
        return [LinkQuality(here)] if here else []

    def raise_hand(self, actor: ParticipantId) -> list[Event]:
        """Ask to speak. Raises NotAllowed, HandAlreadyRaised."""
        self._acting(actor, Action.RAISE_HAND)
        if actor in self.floor.hands:
            raise errors.HandAlreadyRaised
        return [HandRaised(actor)]

    def lower_hand(self, actor: ParticipantId | Actor, participant_id: ParticipantId) -> list[Event]:
        """Withdraw one's own request to speak, or take down another's. Raises NotAllowed, HandNotRaised."""
        self._check_running()
        if actor != participant_id:
            self._check_role(actor, Action.LOWER_OTHERS_HAND)
        self._seat(participant_id)
        if participant_id not in self.floor.hands:
            raise errors.HandNotRaised
        return [HandLowered(participant_id)]

    def say(self, actor: ParticipantId, text: str, message_id: str) -> list[Event]:
        """Write to everyone. Raises NotAllowed, TextEmpty, TextTooLong."""
        self._acting(actor, Action.CHAT)
        return [ChatSent(message_id, actor, clean_text(text))]

    def start_recording(self, actor: ParticipantId | Actor, recording_id: RecordingId) -> list[Event]:
        """Begin a recording. Raises NotAllowed, RecordingAlreadyRunning."""
        self._check_role(actor, Action.RECORD)
        if self.running_recording:
            raise errors.RecordingAlreadyRunning
        return [RecordingStarted(recording_id)]

    def pause_recording(self, actor: ParticipantId | Actor) -> list[Event]:
        """Stop writing for a while. Raises NotAllowed, RecordingNotRunning, RecordingAlreadyPaused."""
        recording = self._running_recording(actor)
        if recording.phase is RecordingPhase.PAUSED:
            raise errors.RecordingAlreadyPaused
        return [RecordingPaused(recording.id)]

    def resume_recording(self, actor: ParticipantId | Actor) -> list[Event]:
        """Write again after a pause. Raises NotAllowed, RecordingNotRunning, RecordingNotPaused."""
        recording = self._running_recording(actor)
        if recording.phase is not RecordingPhase.PAUSED:
            raise errors.RecordingNotPaused
        return [RecordingResumed(recording.id)]

    def stop_recording(self, actor: ParticipantId | Actor) -> list[Event]:
        """End the recording, paused or not. Raises NotAllowed, RecordingNotRunning."""
        return [RecordingStopped(self._running_recording(actor).id)]

    def interrupt_recording(self, recording_id: RecordingId, reason: str) -> list[Event]:
        """Note that a gap begins, even in a stopped recording, once until it goes on. Raises RecordingUnknown."""
        interrupted = self._recording(recording_id).interrupted
        return [] if interrupted else [RecordingInterrupted(recording_id, reason)]

    def recording_goes_on(self, recording_id: RecordingId) -> list[Event]:
        """Note the end of an interruption; what is paused waits for the chair. Raises RecordingUnknown."""
        recording = self._recording(recording_id)
        again = recording.interrupted and recording.phase is RecordingPhase.RECORDING
        return [RecordingResumed(recording_id)] if again else []

    def warn_recording(self, recording_id: RecordingId, reason: str, now_ms: int) -> list[Event]:
        """Note a warning of the recorder, each at most once in WARNING_INTERVAL_MS. Raises RecordingUnknown."""
        told_ms = self._recording(recording_id).warned.get(reason)
        if told_ms is not None and now_ms - told_ms < WARNING_INTERVAL_MS:
            return []
        return [RecordingWarned(recording_id, reason)]

    def segment_closed(
        self,
        recording_id: RecordingId,
        name: str,
        participant_id: ParticipantId,
        source: Source,
        start_ms: int,
        end_ms: int,
        size: int,
        sha256: str,
        gaps: Iterable[Mapping[str, Any]] = (),
    ) -> list[Event]:
        """Note a complete file, during the meeting or after it; a repeated report is nothing new.

        Gaps are `{start_ms, end_ms, reason, missing_ms}`. Raises RecordingUnknown.
        """
        if name in self._recording(recording_id).segments:
            return []
        read = tuple(read_fields(Gap, dict(gap)) for gap in gaps)
        return [
            SegmentClosed(
                recording_id, name, participant_id, Source(source), start_ms, end_ms, size, sha256, read
            )
        ]

    def recording_ready(self, recording_id: RecordingId) -> list[Event]:
        """Note that a stopped recording can be watched. Raises RecordingUnknown, RecordingAlreadyRunning."""
        recording = self._recording(recording_id)
        if recording.running:
            raise errors.RecordingAlreadyRunning
        return [] if recording.phase is RecordingPhase.READY else [RecordingReady(recording_id)]

    def end(self, actor: ParticipantId | Actor, reason: str) -> list[Event]:
        """End the meeting for all, and its recording. Raises NotAllowed."""
        self._check_role(actor, Action.END_MEETING)
        recording = self.running_recording
        stopped = [RecordingStopped(recording.id)] if recording else []
        left = [ParticipantLeft(participant.id, LeaveReason.MEETING_ENDED) for participant in self.present]
        return [*stopped, *left, MeetingEnded(reason)]

    def _check_not_ended(self) -> None:
        if self.phase is MeetingPhase.ENDED:
            raise errors.MeetingEnded

    def _check_running(self) -> None:
        self._check_not_ended()
        if self.phase is not MeetingPhase.RUNNING:
            raise errors.MeetingNotRunning

    def _seat(self, participant_id: ParticipantId) -> Participant:
        try:
            return self.participants[participant_id]
        except KeyError:
            raise errors.ParticipantUnknown from None

    def _present(self, participant_id: ParticipantId) -> Participant:
        self._check_running()
        seat = self._seat(participant_id)
        if not seat.present:
            raise errors.ParticipantAbsent
        return seat

    def _acting(self, participant_id: ParticipantId, action: Action) -> Participant:
        """Return the seat of somebody who is connected and may do this."""
        seat = self._present(participant_id)
        if not seat.connected:
            raise errors.ParticipantAbsent
        check(seat.role, action)
        return seat

    def _check_role(self, actor: ParticipantId | Actor, action: Action) -> None:
        self._check_running()
        if isinstance(actor, Actor):
            check(actor.role, action)
        else:
            self._acting(actor, action)

    def _track(self, participant_id: ParticipantId, source: Source) -> bool:
        """Return whether somebody's track is muted."""
        seat = self._present(participant_id)
        if source not in seat.tracks:
            raise errors.SourceUnknown
        return seat.tracks[source]

    def _running_recording(self, actor: ParticipantId | Actor) -> Recording:
        self._check_role(actor, Action.RECORD)
        recording = self.running_recording
        if recording is None:
            raise errors.RecordingNotRunning
        return recording

    def _recording(self, recording_id: RecordingId) -> Recording:
        try:
            return self.recordings[recording_id]
        except KeyError:
            raise errors.RecordingUnknown from None
