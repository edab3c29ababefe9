"""What each command leads to, as a table: the meeting before, the command, the events."""

from collections.abc import Callable

import pytest

from rooms.events import (
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
from rooms.ids import RecordingId
from rooms.media import Link
from rooms.meeting import WARNING_INTERVAL_MS, Meeting
from rooms.participant import Kind, LeaveReason
from rooms.permissions import Role
from tests.rooms.story import (
    ABSENT,
    CAMERA,
    CHAIR,
    DELEGATE,
    GUEST,
    LOST,
    MANAGER,
    MICROPHONE,
    NOBODY,
    OPERATOR,
    RECORDING,
    SCREEN,
    SECRETARY,
    Story,
    ended,
    hand_raised,
    heard,
    interrupted,
    muted,
    paused,
    planned,
    recorded,
    running,
    stopped,
)

Command = Callable[[Meeting], list[Event]]
SEGMENT = {"start_ms": 0, "end_ms": 4000, "size": 9, "sha256": "aa"}
GAP = {"start_ms": 10, "end_ms": 20, "reason": "muted"}

LINK = Link(4, rtt_ms=80)

COMMANDS: list[tuple[Callable[[], Story], Command, list[Event]]] = [
    (
        planned,
        lambda m: m.admit(NOBODY, " Nguyễn  A ", Role.CHAIR),
        [MeetingStarted(), ParticipantJoined(NOBODY, "Nguyễn A", Role.CHAIR, Kind.PERSON)],
    ),
    (
        running,
        lambda m: m.admit(NOBODY, "Điểm cầu Quy Nhơn", Role.DELEGATE, Kind.ROOM),
        [ParticipantJoined(NOBODY, "Điểm cầu Quy Nhơn", Role.DELEGATE, Kind.ROOM)],
    ),
    # A second connection of the same seat, a connection that is back, and one who had left.
    (running, lambda m: m.admit(DELEGATE, "Khác", Role.CHAIR), []),
    (running, lambda m: m.admit(LOST, "Khác", Role.CHAIR), [ParticipantReconnected(LOST)]),
    (
        running,
        lambda m: m.admit(ABSENT, "Ông absent", Role.DELEGATE),
        [ParticipantJoined(ABSENT, "Ông absent", Role.DELEGATE, Kind.PERSON)],
    ),
    (running, lambda m: m.disconnect(DELEGATE), [ParticipantDisconnected(DELEGATE)]),
    (running, lambda m: m.disconnect(LOST), []),
    (running, lambda m: m.disconnect(ABSENT), []),
    (ended, lambda m: m.disconnect(DELEGATE), []),
    (running, lambda m: m.reconnect(LOST), [ParticipantReconnected(LOST)]),
    (running, lambda m: m.reconnect(DELEGATE), []),
    (running, lambda m: m.leave(DELEGATE), [ParticipantLeft(DELEGATE, LeaveReason.LEFT)]),
    (running, lambda m: m.leave(CHAIR), [ParticipantLeft(CHAIR, LeaveReason.LEFT)]),
    (running, lambda m: m.leave(LOST, LeaveReason.LOST), [ParticipantLeft(LOST, LeaveReason.LOST)]),
    (running, lambda m: m.publish(CHAIR, SCREEN), [TrackPublished(CHAIR, SCREEN)]),
    (running, lambda m: m.publish(DELEGATE, MICROPHONE), [TrackPublished(DELEGATE, MICROPHONE)]),
    (running, lambda m: m.unpublish(DELEGATE, CAMERA), [TrackUnpublished(DELEGATE, CAMERA)]),
    (running, lambda m: m.mute(DELEGATE, DELEGATE, CAMERA, True), [TrackMuted(DELEGATE, CAMERA)]),
    (muted, lambda m: m.mute(DELEGATE, DELEGATE, CAMERA, False), [TrackUnmuted(DELEGATE, CAMERA)]),
    (running, lambda m: m.mute(CHAIR, DELEGATE, CAMERA, True), [TrackMuted(DELEGATE, CAMERA)]),
    (running, lambda m: m.mute(OPERATOR, DELEGATE, CAMERA, True), [TrackMuted(DELEGATE, CAMERA)]),
    (running, lambda m: m.mute(MANAGER, DELEGATE, CAMERA, True), [TrackMuted(DELEGATE, CAMERA)]),
    (muted, lambda m: m.mute(CHAIR, DELEGATE, CAMERA, True), []),
    (running, lambda m: m.mute(DELEGATE, DELEGATE, CAMERA, False), []),
    # What the media plane tells; what is so already, or of nobody here, is no news.
    (
        running,
        lambda m: m.lose_media(DELEGATE, CAMERA, "no_packets"),
        [MediaLost(DELEGATE, CAMERA, "no_packets")],
    ),
    *(
        (before, lambda m, who=who, source=source: m.lose_media(who, source, "no_packets"), [])
        for before, who, source in [
            (heard, DELEGATE, CAMERA),
            (muted, DELEGATE, CAMERA),
            (running, DELEGATE, SCREEN),
            (running, ABSENT, CAMERA),
            (running, NOBODY, CAMERA),
            (ended, DELEGATE, CAMERA),
            (planned, DELEGATE, CAMERA),
        ]
    ),
    (heard, lambda m: m.regain_media(DELEGATE, CAMERA), [MediaReturned(DELEGATE, CAMERA)]),
    (running, lambda m: m.regain_media(DELEGATE, CAMERA), []),
    (running, lambda m: m.regain_media(NOBODY, CAMERA), []),
    (running, lambda m: m.change_speaker(DELEGATE), [SpeakerChanged(DELEGATE)]),
    (heard, lambda m: m.change_speaker(LOST), [SpeakerChanged(LOST)]),
    (heard, lambda m: m.change_speaker(None), [SpeakerChanged()]),
    (heard, lambda m: m.change_speaker(DELEGATE), []),
    *((heard, lambda m, who=who: m.change_speaker(who), []) for who in (ABSENT, NOBODY)),
    *((before, lambda m: m.change_speaker(DELEGATE), []) for before in (planned, ended)),
    (
        running,
        lambda m: m.note_quality({DELEGATE: LINK, ABSENT: LINK, NOBODY: LINK}),
        [LinkQuality({DELEGATE: LINK})],
    ),
    (running, lambda m: m.note_quality({ABSENT: LINK}), []),
    (ended, lambda m: m.note_quality({DELEGATE: LINK}), []),
    (running, lambda m: m.raise_hand(DELEGATE), [HandRaised(DELEGATE)]),
    (hand_raised, lambda m: m.lower_hand(DELEGATE, DELEGATE), [HandLowered(DELEGATE)]),
    (hand_raised, lambda m: m.lower_hand(SECRETARY, DELEGATE), [HandLowered(DELEGATE)]),
    (hand_raised, lambda m: m.lower_hand(MANAGER, DELEGATE), [HandLowered(DELEGATE)]),
    (running, lambda m: m.say(DELEGATE, " Xin chào\r\n", "c1"), [ChatSent("c1", DELEGATE, "Xin chào")]),
    (running, lambda m: m.start_recording(CHAIR, RECORDING), [RecordingStarted(RECORDING)]),
    (running, lambda m: m.start_recording(MANAGER, RECORDING), [RecordingStarted(RECORDING)]),
    (
        stopped,
        lambda m: m.start_recording(CHAIR, RecordingId("recording-2")),
        [RecordingStarted(RecordingId("recording-2"))],
    ),
    (recorded, lambda m: m.pause_recording(CHAIR), [RecordingPaused(RECORDING)]),
    (paused, lambda m: m.resume_recording(CHAIR), [RecordingResumed(RECORDING)]),
    (recorded, lambda m: m.stop_recording(CHAIR), [RecordingStopped(RECORDING)]),
    (paused, lambda m: m.stop_recording(MANAGER), [RecordingStopped(RECORDING)]),
    (
        recorded,
        lambda m: m.interrupt_recording(RECORDING, "disk_full"),
        [RecordingInterrupted(RECORDING, "disk_full")],
    ),
    (ended, lambda m: m.interrupt_recording(RECORDING, "crash"), [RecordingInterrupted(RECORDING, "crash")]),
    (interrupted, lambda m: m.interrupt_recording(RECORDING, "crash"), []),
    (interrupted, lambda m: m.recording_goes_on(RECORDING), [RecordingResumed(RECORDING)]),
    (recorded, lambda m: m.recording_goes_on(RECORDING), []),
    (recorded, lambda m: m.warn_recording(RECORDING, "disk_low", 9), [RecordingWarned(RECORDING, "disk_low")]),
    *(
        (
            before,
            lambda m: m.segment_closed(RECORDING, "a.webm", DELEGATE, CAMERA, **SEGMENT, gaps=[GAP]),
            [SegmentClosed(RECORDING, "a.webm", DELEGATE, CAMERA, 0, 4000, 9, "aa", (Gap(10, 20, "muted"),))],
        )
        for before in (recorded, stopped, ended)
    ),
    (stopped, lambda m: m.recording_ready(RECORDING), [RecordingReady(RECORDING)]),
    (ended, lambda m: m.recording_ready(RECORDING), [RecordingReady(RECORDING)]),
    (
        recorded,
        lambda m: m.end(CHAIR, "ended_by_chair"),
        [
            RecordingStopped(RECORDING),
            *(ParticipantLeft(p, LeaveReason.MEETING_ENDED) for p in
              (CHAIR, SECRETARY, OPERATOR, DELEGATE, GUEST, LOST)),
            MeetingEnded("ended_by_chair"),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "command", "expected"), COMMANDS)
def test_command_leads_to_events(before, command, expected):
    story = before()
    events = command(story.meeting)
    assert events == expected
    story.tell("system", events)
    assert Meeting.replay(story.log) == story.meeting


def test_a_meeting_begins_as_a_plan():
    assert Meeting.create(" Họp  giao ban ", "code", "user-1") == [
        MeetingCreated("Họp giao ban", "code", "user-1", 500)
    ]
    assert planned().meeting.snapshot()["state"] == "planned"


def test_the_meeting_goes_on_when_everybody_has_left():
    story = running()
    for participant in story.meeting.present:
        story.tell(participant.id, story.meeting.leave(participant.id))
    assert story.meeting.snapshot()["state"] == "running"
    story.join(CHAIR, role=Role.CHAIR)
    assert story.types[-1] == "ParticipantJoined"


def test_the_chair_s_loss_stops_neither_meeting_nor_recording():
    story = recorded()
    story.tell("system", story.meeting.disconnect(CHAIR))
    story.tell("system", story.meeting.leave(CHAIR, LeaveReason.LOST))
    snapshot = story.meeting.snapshot()
    assert (snapshot["state"], snapshot["recording"]["state"]) == ("running", "recording")


def test_leaving_ends_tracks_and_lowers_the_hand():
    story = hand_raised()
    story.tell(DELEGATE, story.meeting.leave(DELEGATE))
    assert story.meeting.snapshot()["hands"] == []
    story.join(DELEGATE)
    assert story.meeting.participants[DELEGATE].tracks == {}


def test_leaving_ends_the_speech_and_the_loss():
    story = heard()
    story.tell(DELEGATE, story.meeting.leave(DELEGATE))
    story.join(DELEGATE)
    story.tell(DELEGATE, story.meeting.publish(DELEGATE, CAMERA))
    assert story.meeting.snapshot()["speaker"] is None
    assert story.meeting.lose_media(DELEGATE, CAMERA, "no_packets")


@pytest.mark.parametrize(
    "ends",
    [
        lambda m: m.mute(DELEGATE, DELEGATE, CAMERA, True),
        lambda m: m.unpublish(DELEGATE, CAMERA),
        lambda m: m.regain_media(DELEGATE, CAMERA),
    ],
)
def test_a_loss_ends(ends):
    story = heard()
    story.tell(DELEGATE, ends(story.meeting))
    assert story.meeting.regain_media(DELEGATE, CAMERA) == []
    assert story.meeting.participants[DELEGATE].silent == set()


def test_a_lost_connection_keeps_tracks_and_hand():
    story = hand_raised()
    story.tell("system", story.meeting.disconnect(DELEGATE))
    story.tell("system", story.meeting.reconnect(DELEGATE))
    assert story.meeting.snapshot()["hands"] == [DELEGATE]
    assert CAMERA in story.meeting.participants[DELEGATE].tracks


def test_a_reported_file_is_one_fact_however_often_reported():
    story = stopped()
    for _ in range(2):
        story.tell("system", story.meeting.segment_closed(RECORDING, "a.webm", DELEGATE, CAMERA, **SEGMENT))
        story.tell("system", story.meeting.recording_ready(RECORDING))
    assert story.types.count("SegmentClosed") == story.types.count("RecordingReady") == 1


def test_a_gap_belongs_to_the_recording_it_is_in():
    story, second = stopped(), RecordingId("recording-2")
    story.tell(CHAIR, story.meeting.start_recording(CHAIR, second))
    assert story.meeting.interrupt_recording(RECORDING, "crash") == [RecordingInterrupted(RECORDING, "crash")]


def test_what_is_paused_does_not_go_on_by_itself():
    story = paused()
    story.tell("system", story.meeting.interrupt_recording(RECORDING, "recorder_lost"))
    assert story.meeting.recording_goes_on(RECORDING) == []
    story.tell(CHAIR, story.meeting.resume_recording(CHAIR))
    assert not story.meeting.recordings[RECORDING].interrupted


def test_a_warning_is_told_again_only_after_a_while():
    story = recorded()
    story.tell("system", story.meeting.warn_recording(RECORDING, "disk_low", story.now.meeting_ms))
    told_ms = story.meeting.last.meeting_ms
    assert story.meeting.warn_recording(RECORDING, "disk_low", told_ms + WARNING_INTERVAL_MS - 1) == []
    assert story.meeting.warn_recording(RECORDING, "disk_low", told_ms + WARNING_INTERVAL_MS)
    assert story.meeting.warn_recording(RECORDING, "pictures_given_up", told_ms)


def test_the_limit_counts_who_is_present():
    story = Story(participant_limit=1)
    story.join("a")
    story.tell("a", story.meeting.leave("a"))
    story.join("b")
    assert [p.id for p in story.meeting.present] == ["b"]
    assert story.meeting.admit("b", "b", Role.DELEGATE) == []
