"""Every refusal: the meeting before, the command, the error; and that nothing has changed."""

from copy import deepcopy
from json import loads
from pathlib import Path

import pytest

from rooms import errors
from rooms.meeting import Meeting
from rooms.permissions import Actor, Role
from tests.rooms.story import (
    ABSENT,
    CAMERA,
    CHAIR,
    DELEGATE,
    GUEST,
    LOST,
    MANAGER,
    NOBODY,
    OPERATOR,
    RECORDING,
    SCREEN,
    SECRETARY,
    Story,
    ended,
    hand_raised,
    muted,
    paused,
    planned,
    recorded,
    running,
    stopped,
)

# Every command somebody in a meeting can give, allowed in a running one.
COMMANDS = {
    "reconnect": lambda m: m.reconnect(DELEGATE),
    "leave": lambda m: m.leave(DELEGATE),
    "publish": lambda m: m.publish(DELEGATE, SCREEN),
    "unpublish": lambda m: m.unpublish(DELEGATE, CAMERA),
    "mute": lambda m: m.mute(CHAIR, DELEGATE, CAMERA, True),
    "raise_hand": lambda m: m.raise_hand(DELEGATE),
    "lower_hand": lambda m: m.lower_hand(CHAIR, DELEGATE),
    "say": lambda m: m.say(DELEGATE, "Xin chào", "c1"),
    "start_recording": lambda m: m.start_recording(CHAIR, RECORDING),
    "start_recording by a manager": lambda m: m.start_recording(MANAGER, RECORDING),
    "pause_recording": lambda m: m.pause_recording(CHAIR),
    "resume_recording": lambda m: m.resume_recording(CHAIR),
    "stop_recording": lambda m: m.stop_recording(CHAIR),
    "end": lambda m: m.end(CHAIR, "x"),
    "end by a manager": lambda m: m.end(MANAGER, "x"),
}


def full() -> Story:
    story = Story(participant_limit=2)
    story.join("a")
    story.join("b")
    return story


REFUSALS = [
    *((planned, command, errors.MeetingNotRunning) for command in COMMANDS.values()),
    *((ended, command, errors.MeetingEnded) for command in COMMANDS.values()),
    (ended, lambda m: m.admit(DELEGATE, "Ông A", Role.DELEGATE), errors.MeetingEnded),
    (ended, lambda m: m.admit(NOBODY, "Ông A", Role.DELEGATE), errors.MeetingEnded),
    (full, lambda m: m.admit("c", "Ông C", Role.CHAIR), errors.MeetingFull),
    *(
        (before, lambda m, n=name: m.admit(NOBODY, n, Role.DELEGATE), errors.NameInvalid)
        for before in (planned, running)
        for name in ("", " \n", "\u200b", "...", "a" * 101, "a" * 10_000, "\u3164")
    ),
    # Who is not there.
    (running, lambda m: m.disconnect(NOBODY), errors.ParticipantUnknown),
    (running, lambda m: m.reconnect(NOBODY), errors.ParticipantUnknown),
    (running, lambda m: m.reconnect(ABSENT), errors.ParticipantAbsent),
    (running, lambda m: m.leave(NOBODY), errors.ParticipantUnknown),
    (running, lambda m: m.leave(ABSENT), errors.ParticipantAbsent),
    *(
        (running, lambda m, c=command, p=who: c(m, p), error)
        for who, error in [
            (NOBODY, errors.ParticipantUnknown),
            (ABSENT, errors.ParticipantAbsent),
            (LOST, errors.ParticipantAbsent),
        ]
        for command in (
            lambda m, p: m.publish(p, CAMERA),
            lambda m, p: m.raise_hand(p),
            lambda m, p: m.say(p, "Xin chào", "c1"),
            lambda m, p: m.mute(p, DELEGATE, CAMERA, True),
            lambda m, p: m.lower_hand(p, DELEGATE),
            lambda m, p: m.start_recording(p, RECORDING),
            lambda m, p: m.end(p, "x"),
        )
    ),
    # Tracks.
    (running, lambda m: m.publish(DELEGATE, CAMERA), errors.SourceTaken),
    (running, lambda m: m.publish(GUEST, CAMERA), errors.NotAllowed),
    (running, lambda m: m.unpublish(DELEGATE, SCREEN), errors.SourceUnknown),
    (running, lambda m: m.unpublish(ABSENT, CAMERA), errors.ParticipantAbsent),
    (running, lambda m: m.mute(DELEGATE, DELEGATE, SCREEN, True), errors.SourceUnknown),
    (running, lambda m: m.mute(CHAIR, NOBODY, CAMERA, True), errors.ParticipantUnknown),
    (running, lambda m: m.mute(CHAIR, ABSENT, CAMERA, True), errors.ParticipantAbsent),
    (running, lambda m: m.mute(SECRETARY, DELEGATE, CAMERA, True), errors.NotAllowed),
    *(
        (muted, lambda m, a=actor: m.mute(a, DELEGATE, CAMERA, False), errors.NotAllowed)
        for actor in (CHAIR, OPERATOR, SECRETARY, GUEST, MANAGER)
    ),
    # Hands and chat.
    (hand_raised, lambda m: m.raise_hand(DELEGATE), errors.HandAlreadyRaised),
    (running, lambda m: m.lower_hand(DELEGATE, DELEGATE), errors.HandNotRaised),
    (running, lambda m: m.lower_hand(CHAIR, DELEGATE), errors.HandNotRaised),
    (running, lambda m: m.lower_hand(CHAIR, NOBODY), errors.ParticipantUnknown),
    (hand_raised, lambda m: m.lower_hand(OPERATOR, DELEGATE), errors.NotAllowed),
    (running, lambda m: m.raise_hand(GUEST), errors.NotAllowed),
    (running, lambda m: m.say(GUEST, "Xin chào", "c1"), errors.NotAllowed),
    (running, lambda m: m.say(DELEGATE, " \r\n\u200b", "c1"), errors.TextEmpty),
    (running, lambda m: m.say(DELEGATE, "a" * 2001, "c1"), errors.TextTooLong),
    (running, lambda m: m.say(DELEGATE, "a" * 1_000_000, "c1"), errors.TextTooLong),
    # Recording.
    (recorded, lambda m: m.start_recording(CHAIR, RECORDING), errors.RecordingAlreadyRunning),
    (paused, lambda m: m.start_recording(CHAIR, RECORDING), errors.RecordingAlreadyRunning),
    (paused, lambda m: m.pause_recording(CHAIR), errors.RecordingAlreadyPaused),
    (recorded, lambda m: m.resume_recording(CHAIR), errors.RecordingNotPaused),
    *(
        (before, lambda m, c=command: COMMANDS[c](m), errors.RecordingNotRunning)
        for before in (running, stopped)
        for command in ("pause_recording", "resume_recording", "stop_recording")
    ),
    (running, lambda m: m.interrupt_recording(RECORDING, "crash"), errors.RecordingUnknown),
    (running, lambda m: m.recording_goes_on(RECORDING), errors.RecordingUnknown),
    (running, lambda m: m.warn_recording(RECORDING, "disk_low", 0), errors.RecordingUnknown),
    (recorded, lambda m: m.recording_ready(RECORDING), errors.RecordingAlreadyRunning),
    (running, lambda m: m.recording_ready(RECORDING), errors.RecordingUnknown),
    (
        running,
        lambda m: m.segment_closed(RECORDING, "a", CHAIR, CAMERA, 0, 1, 1, "aa"),
        errors.RecordingUnknown,
    ),
    *(
        (recorded, lambda m, c=command, a=actor: c(m, a), errors.NotAllowed)
        for actor in (SECRETARY, OPERATOR, DELEGATE, GUEST, Actor("user-2", Role.GUEST))
        for command in (
            lambda m, a: m.start_recording(a, RECORDING),
            lambda m, a: m.pause_recording(a),
            lambda m, a: m.resume_recording(a),
            lambda m, a: m.stop_recording(a),
            lambda m, a: m.end(a, "x"),
        )
    ),
]


@pytest.mark.parametrize(("before", "command", "error"), REFUSALS)
def test_a_refusal_names_its_reason_and_changes_nothing(before, command, error):
    meeting = before().meeting
    untouched = deepcopy(meeting)
    with pytest.raises(errors.MeetingError) as refusal:
        command(meeting)
    assert type(refusal.value) is error
    assert meeting == untouched


@pytest.mark.parametrize("title", ["", "\n", "\u202e", "a" * 501])
def test_a_meeting_needs_a_legible_title(title):
    with pytest.raises(errors.TitleInvalid):
        Meeting.create(title, "code", "user-1")


def test_a_command_itself_changes_nothing_either():
    meeting = running().meeting
    untouched = deepcopy(meeting)
    for name in ("leave", "publish", "unpublish", "mute", "raise_hand", "say", "start_recording", "end"):
        assert COMMANDS[name](meeting)
    assert meeting == untouched


def test_codes_are_unique_and_have_sentences():
    codes = [cls.code for cls in errors.MeetingError.__subclasses__()]
    assert len(set(codes)) == len(codes)
    for language in ("vi", "en"):
        path = Path(__file__).parents[2] / "static" / "locales" / language / "errors.json"
        catalogue = loads(path.read_text(encoding="utf-8"))
        assert [code for code in codes if f"errors.{code}" not in catalogue] == []
