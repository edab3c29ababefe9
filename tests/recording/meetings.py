"""Meetings to write minutes of, told through the real commands."""

from rooms.participant import Kind, LeaveReason
from rooms.permissions import Role
from tests.rooms.story import CAMERA, CHAIR, DELEGATE, RECORDING, SCREEN, SECRETARY, Story

ROOM = "room"


def eventful() -> Story:
    """Half an hour from 08:00 with everything the minutes tell of."""
    story = Story("Họp giao ban Ủy ban nhân dân tỉnh tháng 02 năm 2026")
    meeting = story.meeting
    story.join(CHAIR, "Nguyễn Thị Ủy", Role.CHAIR)
    story.join(SECRETARY, "Bà Trần Thư", Role.SECRETARY)
    story.join(ROOM, "Điểm cầu Quy Nhơn", Role.DELEGATE, Kind.ROOM)
    story.join(DELEGATE, "Lê Văn Đại", Role.DELEGATE)
    story.wait(55)
    story.tell(CHAIR, meeting.start_recording(CHAIR, RECORDING), 60)
    story.tell(DELEGATE, meeting.publish(DELEGATE, CAMERA), 60)
    story.tell(SECRETARY, meeting.publish(SECRETARY, SCREEN), 120)
    story.tell(ROOM, meeting.raise_hand(ROOM), 30)
    story.tell(CHAIR, meeting.lower_hand(CHAIR, ROOM), 30)
    story.tell(SECRETARY, meeting.unpublish(SECRETARY, SCREEN), 60)
    story.tell(DELEGATE, meeting.say(DELEGATE, "Đề nghị gửi lại tài liệu số 3.", "c1"), 60)
    story.tell(CHAIR, meeting.pause_recording(CHAIR), 300)
    story.tell("system", meeting.disconnect(ROOM), 20)
    story.tell("system", meeting.reconnect(ROOM), 40)
    story.tell(CHAIR, meeting.resume_recording(CHAIR), 300)
    story.tell("system", meeting.interrupt_recording(RECORDING, "disk_full"), 120)
    story.tell(DELEGATE, meeting.raise_hand(DELEGATE), 60)
    story.tell("system", meeting.disconnect(DELEGATE), 30)
    story.tell("system", meeting.leave(DELEGATE, LeaveReason.LOST), 120)
    story.join(DELEGATE, "Lê Văn Đại", Role.DELEGATE)
    story.wait(300)
    story.tell(CHAIR, meeting.end(CHAIR, "ended_by_chair"))
    return story


def crowded(rows: int, messages: int) -> Story:
    """A large conference with a long conversation."""
    story = Story("Hội nghị trực tuyến toàn tỉnh")
    for number in range(rows):
        role, kind = (Role.CHAIR, Kind.PERSON) if number == 0 else (Role.DELEGATE, Kind.ROOM)
        story.join(f"p{number}", f"Điểm cầu xã số {number}", role, kind)
    for number in range(messages):
        text = f"Ý kiến số {number}: đề nghị bổ sung kinh phí và nhân lực cho xã trong quý I năm 2026."
        story.tell("p1", story.meeting.say("p1", text, f"c{number}"))
    story.tell("p0", story.meeting.end("p0", "ended_by_chair"))
    return story
