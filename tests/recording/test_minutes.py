"""From the log to the minutes: who, when, what; an hour and a day are told by the meeting's own events."""

from datetime import timedelta

import pytest

from recording.minutes import Interruption, Span, assemble
from rooms.ids import RecordingId
from rooms.log import Moment
from rooms.participant import LeaveReason
from rooms.permissions import Role
from tests.recording.meetings import ROOM, eventful
from tests.rooms.story import CHAIR, DELEGATE, RECORDING, SCREEN, SECRETARY, START, Story, recorded


def at(second: float) -> Moment:
    return Moment(START + timedelta(seconds=second), round(second * 1000))


def span(start: float, end: float | None) -> Span:
    return Span(at(start), at(end) if end is not None else None)


@pytest.fixture(scope="module")
def minutes():
    return assemble(eventful().log)


def test_frame(minutes):
    assert minutes.title == "Họp giao ban Ủy ban nhân dân tỉnh tháng 02 năm 2026"
    assert (minutes.code, minutes.start, minutes.end) == ("mfqk7-txx4p-9hcwa", at(1), at(1771))


def test_attendance(minutes):
    assert [(row.name, row.role) for row in minutes.attendance] == [
        ("Nguyễn Thị Ủy", Role.CHAIR),
        ("Bà Trần Thư", Role.SECRETARY),
        ("Điểm cầu Quy Nhơn", Role.DELEGATE),
        ("Lê Văn Đại", Role.DELEGATE),
    ]
    delegate = minutes.attendance[3]
    assert [(i.joined, i.left, i.reason) for i in delegate.intervals] == [
        (at(4), at(1320), LeaveReason.LOST),
        (at(1470), at(1771), LeaveReason.MEETING_ENDED),
    ]


def test_recording(minutes):
    (recording,) = minutes.recordings
    assert recording.recording_id == RECORDING
    assert recording.span == span(60, 1771)
    assert recording.pauses == (span(480, 840),)
    assert recording.interruptions == (Interruption(at(1140), "disk_full"),)


def test_what_was_shown_asked_and_written(minutes):
    assert [(s.name, s.span) for s in minutes.screens] == [("Bà Trần Thư", span(180, 360))]
    assert [(h.name, h.span) for h in minutes.hands] == [
        ("Điểm cầu Quy Nhơn", span(300, 330)),
        ("Lê Văn Đại", span(1260, 1320)),
    ]
    assert [(m.name, m.text, m.moment) for m in minutes.messages] == [
        ("Lê Văn Đại", "Đề nghị gửi lại tài liệu số 3.", at(420))
    ]


def test_the_log_s_last_hash_is_carried(minutes):
    last = eventful().log[-1]
    assert (minutes.last_seq, minutes.last_hash) == (last.seq, last.hash)


def test_a_meeting_still_running_has_open_ends():
    story = Story()
    story.join(CHAIR, role=Role.CHAIR)
    story.tell(CHAIR, story.meeting.start_recording(CHAIR, RECORDING))
    story.tell(CHAIR, story.meeting.pause_recording(CHAIR))
    story.tell(CHAIR, story.meeting.publish(CHAIR, SCREEN))
    story.tell(CHAIR, story.meeting.raise_hand(CHAIR))
    minutes = assemble(story.log)
    assert minutes.end is None
    (recording,) = minutes.recordings
    assert (recording.span, recording.pauses) == (span(2, None), (span(3, None),))
    assert (minutes.screens[0].span.end, minutes.hands[0].span.end) == (None, None)
    assert minutes.attendance[0].intervals[0].left is None


@pytest.mark.parametrize(("returns", "end"), [(False, 5), (True, 36)])
def test_who_never_came_back_showed_and_asked_until_the_cut(returns, end):
    story = Story()
    story.join(DELEGATE)
    story.tell(DELEGATE, story.meeting.publish(DELEGATE, SCREEN))
    story.tell(DELEGATE, story.meeting.raise_hand(DELEGATE))
    story.wait(1)
    story.tell("system", story.meeting.disconnect(DELEGATE))
    story.wait(29)
    if returns:
        story.tell("system", story.meeting.reconnect(DELEGATE))
    story.tell("system", story.meeting.leave(DELEGATE, LeaveReason.LOST))
    minutes = assemble(story.log)
    assert minutes.screens[0].span.end == minutes.hands[0].span.end == at(end)
    assert minutes.attendance[0].intervals[0].left == at(end)


def test_a_plan_that_nobody_came_to():
    minutes = assemble(Story().log)
    assert (minutes.start, minutes.attendance, minutes.recordings) == (None, (), ())


def test_stopping_ends_a_pause_and_another_recording_is_another():
    story = Story()
    story.join(CHAIR, role=Role.CHAIR)
    second = RecordingId("recording-2")
    for recording in (RECORDING, second):
        story.tell(CHAIR, story.meeting.start_recording(CHAIR, recording))
        story.tell(CHAIR, story.meeting.pause_recording(CHAIR))
        story.tell(CHAIR, story.meeting.stop_recording(CHAIR))
    recordings = assemble(story.log).recordings
    assert [(r.recording_id, r.span, r.pauses) for r in recordings] == [
        (RECORDING, span(2, 4), (span(3, 4),)),
        (second, span(5, 7), (span(6, 7),)),
    ]


def test_a_message_keeps_the_name_of_its_time():
    story = Story()
    for name in ("Tên cũ", "Tên mới"):
        story.join(DELEGATE, name)
        story.tell(DELEGATE, story.meeting.say(DELEGATE, "Xin chào", name))
        story.tell(DELEGATE, story.meeting.leave(DELEGATE))
    assert [message.name for message in assemble(story.log).messages] == ["Tên cũ", "Tên mới"]


def test_each_sharing_of_a_screen_is_told_and_cameras_are_not():
    story = Story()
    story.join(SECRETARY)
    story.join(ROOM)
    for who in (SECRETARY, ROOM, SECRETARY):
        story.tell(who, story.meeting.publish(who, SCREEN))
        story.tell(who, story.meeting.unpublish(who, SCREEN))
    assert [shared.participant_id for shared in assemble(story.log).screens] == [SECRETARY, ROOM, SECRETARY]


@pytest.mark.parametrize("log", [[], eventful().log[1:]])
def test_a_log_without_its_beginning_is_refused(log):
    with pytest.raises(ValueError, match="begins with its creation"):
        assemble(log)


def test_what_is_lost_of_a_recording_is_told_and_little_room_is_not():
    story = recorded()
    for reason in ("disk_low", "pictures_given_up"):
        story.tell("system", story.meeting.warn_recording(RECORDING, reason, 0))
    (recording,) = assemble(story.log).recordings
    assert [interruption.reason for interruption in recording.interruptions] == ["pictures_given_up"]
