"""Facts of a meeting, frozen. Their names and fields are the protocol's (PROTOCOL.md) and the archive's.

An event tells what happened, not what follows from it: ParticipantLeft also ends the participant's tracks and
speech and lowers the hand; TrackMuted also ends the loss of the track; MeetingEnded ends everything but the
reports of the recorder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rooms.errors import BadEvent
from rooms.fields import read_fields, write_fields
from rooms.ids import ParticipantId, RecordingId
from rooms.media import Link, VideoCodec
from rooms.participant import Kind, LeaveReason, Source
from rooms.permissions import Role

DEFAULT_PARTICIPANT_LIMIT = 500
"""Participants at once: over three times the largest provincial conference seen (135 bridge points), so that
a runaway client or a leaked link ends in a refusal and not in an exhausted machine."""


@dataclass(frozen=True, slots=True)
class Event:
    """What every fact is."""


@dataclass(frozen=True, slots=True)
class MeetingCreated(Event):
    title: str
    code: str
    created_by: str
    participant_limit: int = DEFAULT_PARTICIPANT_LIMIT
    video_codec: VideoCodec = VideoCodec.VP8


@dataclass(frozen=True, slots=True)
class MeetingStarted(Event):
    """The first participant came."""


@dataclass(frozen=True, slots=True)
class ParticipantJoined(Event):
    participant_id: ParticipantId
    name: str
    role: Role
    kind: Kind


@dataclass(frozen=True, slots=True)
class ParticipantDisconnected(Event):
    """The connection is lost; the seat is kept for a while."""

    participant_id: ParticipantId


@dataclass(frozen=True, slots=True)
class ParticipantReconnected(Event):
    participant_id: ParticipantId


@dataclass(frozen=True, slots=True)
class ParticipantLeft(Event):
    participant_id: ParticipantId
    reason: LeaveReason


@dataclass(frozen=True, slots=True)
class TrackPublished(Event):
    """A track begins, unmuted."""

    participant_id: ParticipantId
    source: Source


@dataclass(frozen=True, slots=True)
class TrackUnpublished(Event):
    participant_id: ParticipantId
    source: Source


@dataclass(frozen=True, slots=True)
class TrackMuted(Event):
    participant_id: ParticipantId
    source: Source


@dataclass(frozen=True, slots=True)
class TrackUnmuted(Event):
    participant_id: ParticipantId
    source: Source


@dataclass(frozen=True, slots=True)
class MediaLost(Event):
    """A track that is published and not muted brings nothing: `no_packets`."""

    participant_id: ParticipantId
    source: Source
    reason: str


@dataclass(frozen=True, slots=True)
class MediaReturned(Event):
    """It brings packets again."""

    participant_id: ParticipantId
    source: Source


@dataclass(frozen=True, slots=True)
class SpeakerChanged(Event):
    """Who is heard above all others from now on; None when nobody is."""

    participant_id: ParticipantId | None = None


@dataclass(frozen=True, slots=True)
class LinkQuality(Event):
    """How the lines of some participants fare: of all at intervals, of one when it became bad or good again."""

    links: Mapping[ParticipantId, Link]


@dataclass(frozen=True, slots=True)
class HandRaised(Event):
    participant_id: ParticipantId


@dataclass(frozen=True, slots=True)
class HandLowered(Event):
    participant_id: ParticipantId


@dataclass(frozen=True, slots=True)
class ChatSent(Event):
    message_id: str
    participant_id: ParticipantId
    text: str


@dataclass(frozen=True, slots=True)
class RecordingStarted(Event):
    recording_id: RecordingId


@dataclass(frozen=True, slots=True)
class RecordingPaused(Event):
    recording_id: RecordingId


@dataclass(frozen=True, slots=True)
class RecordingResumed(Event):
    recording_id: RecordingId


@dataclass(frozen=True, slots=True)
class RecordingStopped(Event):
    recording_id: RecordingId


@dataclass(frozen=True, slots=True)
class RecordingInterrupted(Event):
    """A gap begins or began: the recorder failed, the disk is full."""

    recording_id: RecordingId
    reason: str


@dataclass(frozen=True, slots=True)
class RecordingWarned(Event):
    """Something to know of a recording that goes on: `disk_low`, `pictures_given_up`, `track_refused`,
    `file_changed`."""

    recording_id: RecordingId
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in a file, in milliseconds since the recording began; several close ones may be told as one."""

    start_ms: int
    end_ms: int
    reason: str
    missing_ms: int | None = None
    """What is really missing in it; all of it in logs from before holes were merged."""


@dataclass(frozen=True, slots=True)
class SegmentClosed(Event):
    """A file is complete: times in milliseconds since the recording began, size in bytes, sha256 in hex."""

    recording_id: RecordingId
    name: str
    participant_id: ParticipantId
    source: Source
    start_ms: int
    end_ms: int
    size: int
    sha256: str
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class RecordingReady(Event):
    """It can be watched in the archive."""

    recording_id: RecordingId


@dataclass(frozen=True, slots=True)
class MeetingEnded(Event):
    reason: str


EVENT_TYPES: dict[str, type[Event]] = {
    event.__name__: event
    for event in (
        MeetingCreated,
        MeetingStarted,
        ParticipantJoined,
        ParticipantDisconnected,
        ParticipantReconnected,
        ParticipantLeft,
        TrackPublished,
        TrackUnpublished,
        TrackMuted,
        TrackUnmuted,
        MediaLost,
        MediaReturned,
        SpeakerChanged,
        LinkQuality,
        HandRaised,
        HandLowered,
        ChatSent,
        RecordingStarted,
        RecordingPaused,
        RecordingResumed,
        RecordingStopped,
        RecordingInterrupted,
        RecordingWarned,
        SegmentClosed,
        RecordingReady,
        MeetingEnded,
    )
}


def to_data(event: Event) -> dict[str, Any]:
    """Return the fields as JSON values, without those that have their default."""
    return write_fields(event)


def from_data(event_type: str, data: dict[str, Any]) -> Event:
    """Return the event that `to_data` wrote. Raises BadEvent: a type unknown, a field missing or wrong."""
    cls = EVENT_TYPES.get(event_type)
    if cls is None:
        raise BadEvent(f"unknown event {event_type!r}")
    try:
        return read_fields(cls, data)
    except (TypeError, ValueError) as error:
        raise BadEvent(f"{event_type}: {error}") from error
