"""A meeting told step by step, for the tables of the tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rooms.events import Event
from rooms.ids import SYSTEM, MeetingId, ParticipantId, RecordingId
from rooms.log import LoggedEvent, Moment, chain
from rooms.media import Link
from rooms.meeting import Meeting
from rooms.participant import Kind, Source
from rooms.permissions import Actor, Role

START = datetime(2026, 2, 5, 1, 0, tzinfo=UTC)  # 08:00 in Viet Nam

CHAIR = ParticipantId("chair")
SECRETARY = ParticipantId("secretary")
OPERATOR = ParticipantId("operator")
DELEGATE = ParticipantId("delegate")
GUEST = ParticipantId("guest")
ABSENT = ParticipantId("absent")
LOST = ParticipantId("lost")
NOBODY = ParticipantId("nobody")
MANAGER = Actor("user-1", Role.CHAIR)
RECORDING = RecordingId("recording-1")

CAMERA, MICROPHONE, SCREEN = Source.CAMERA, Source.MICROPHONE, Source.SCREEN


class Story:
    """A meeting with its log; every step takes one second by both clocks unless told."""

    def __init__(self, title: str = "Họp giao ban tháng 02", participant_limit: int = 500) -> None:
        self.meeting = Meeting(MeetingId("meeting-1"))
        self.log: list[LoggedEvent] = []
        self.now = Moment(START, 0)
        self.tell("user-1", Meeting.create(title, "mfqk7-txx4p-9hcwa", "user-1", participant_limit))

    def wait(self, seconds: float) -> None:
        self.now = Moment(
            self.now.time + timedelta(seconds=seconds), self.now.meeting_ms + round(seconds * 1000)
        )

    def tell(self, actor: str, events: Sequence[Event], seconds: float = 1) -> None:
        logged = chain(self.meeting.last, self.meeting.meeting_id, actor, events, self.now)
        for event in logged:
            self.meeting.apply(event)
        self.log += logged
        self.wait(seconds)

    def join(
        self, participant_id: str, name: str = "", role: Role = Role.DELEGATE, kind: Kind = Kind.PERSON
    ) -> None:
        pid = ParticipantId(participant_id)
        self.tell(SYSTEM, self.meeting.admit(pid, name or f"Ông {participant_id}", role, kind))

    @property
    def types(self) -> list[str]:
        return [logged.type for logged in self.log]


def planned() -> Story:
    return Story()


def running() -> Story:
    """One participant of each role, one who left, one cut off; the delegate's camera is on."""
    story = Story()
    for role in Role:
        story.join(role.value, role=role)
    story.join(ABSENT)
    story.tell(ABSENT, story.meeting.leave(ABSENT))
    story.join(LOST)
    story.tell(SYSTEM, story.meeting.disconnect(LOST))
    story.tell(DELEGATE, story.meeting.publish(DELEGATE, CAMERA))
    return story


def heard() -> Story:
    """The delegate speaks, and their picture is lost."""
    story = running()
    story.tell(SYSTEM, story.meeting.change_speaker(DELEGATE))
    story.tell(SYSTEM, story.meeting.lose_media(DELEGATE, CAMERA, "no_packets"))
    story.tell(SYSTEM, story.meeting.note_quality({DELEGATE: Link(1, reason="loss")}))
    return story


def hand_raised() -> Story:
    story = running()
    story.tell(DELEGATE, story.meeting.raise_hand(DELEGATE))
    return story


def muted() -> Story:
    story = running()
    story.tell(DELEGATE, story.meeting.mute(DELEGATE, DELEGATE, CAMERA, muted=True))
    return story


def recorded() -> Story:
    story = running()
    story.tell(CHAIR, story.meeting.start_recording(CHAIR, RECORDING))
    return story


def paused() -> Story:
    story = recorded()
    story.tell(CHAIR, story.meeting.pause_recording(CHAIR))
    return story


def interrupted() -> Story:
    story = recorded()
    story.tell(SYSTEM, story.meeting.interrupt_recording(RECORDING, "recorder_lost"))
    return story


def stopped() -> Story:
    story = recorded()
    story.tell(CHAIR, story.meeting.stop_recording(CHAIR))
    return story


def ended() -> Story:
    story = recorded()
    story.tell(CHAIR, story.meeting.end(CHAIR, "ended_by_chair"))
    return story
