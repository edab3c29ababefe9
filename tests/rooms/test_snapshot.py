"""What a newcomer is told, exactly as PROTOCOL.md has it."""

from rooms.chat import KEPT_MESSAGES
from rooms.media import VideoCodec
from rooms.meeting import Meeting
from rooms.participant import Kind
from rooms.permissions import Role
from tests.rooms.story import (
    CAMERA,
    CHAIR,
    DELEGATE,
    MICROPHONE,
    RECORDING,
    Story,
    ended,
    heard,
    paused,
    planned,
)

EMPTY = {
    "meeting_id": "meeting-1",
    "title": "Họp giao ban tháng 02",
    "code": "mfqk7-txx4p-9hcwa",
    "state": "planned",
    "started_at": None,
    "video_codec": "vp8",
    "seq": 1,
    "participants": [],
    "speaker": None,
    "hands": [],
    "chat": [],
    "recording": None,
}


def test_planned():
    assert planned().meeting.snapshot() == EMPTY


def test_running():
    story = Story()
    story.join(CHAIR, "Bà Chủ trì", Role.CHAIR)
    story.join("room", "Điểm cầu Pleiku", Role.DELEGATE, Kind.ROOM)
    story.tell("room", story.meeting.publish("room", CAMERA))
    story.tell("room", story.meeting.publish("room", MICROPHONE))
    story.tell(CHAIR, story.meeting.mute(CHAIR, "room", MICROPHONE, True))
    story.tell("room", story.meeting.raise_hand("room"))
    story.tell(CHAIR, story.meeting.raise_hand(CHAIR))
    story.tell("room", story.meeting.say("room", "Đã sẵn sàng", "c1"))
    story.tell(CHAIR, story.meeting.start_recording(CHAIR, RECORDING))
    story.tell("system", story.meeting.disconnect("room"))
    assert story.meeting.snapshot() == {
        **EMPTY,
        "state": "running",
        "started_at": "2026-02-05T01:00:01.000Z",
        "seq": 12,
        "participants": [
            {
                "participant_id": CHAIR,
                "name": "Bà Chủ trì",
                "role": "chair",
                "kind": "person",
                "connected": True,
                "joined_at": "2026-02-05T01:00:01.000Z",
                "tracks": [],
                "hand_raised_at": "2026-02-05T01:00:07.000Z",
            },
            {
                "participant_id": "room",
                "name": "Điểm cầu Pleiku",
                "role": "delegate",
                "kind": "room",
                "connected": False,
                "joined_at": "2026-02-05T01:00:02.000Z",
                "tracks": [{"source": "camera", "muted": False}, {"source": "microphone", "muted": True}],
                "hand_raised_at": "2026-02-05T01:00:06.000Z",
            },
        ],
        "hands": ["room", CHAIR],
        "chat": [
            {
                "message_id": "c1",
                "participant_id": "room",
                "name": "Điểm cầu Pleiku",
                "text": "Đã sẵn sàng",
                "time": "2026-02-05T01:00:08.000Z",
            }
        ],
        "recording": {
            "recording_id": RECORDING,
            "state": "recording",
            "interrupted": False,
            "started_at": "2026-02-05T01:00:09.000Z",
        },
    }


def test_who_speaks_and_what_is_lost():
    meeting = heard().meeting
    (delegate,) = (p for p in meeting.snapshot()["participants"] if p["participant_id"] == DELEGATE)
    assert delegate["tracks"] == [{"source": "camera", "muted": False, "lost": True}]
    assert meeting.snapshot()["speaker"] == DELEGATE


def test_the_choice_of_codec():
    events = Meeting.create("Họp", "code", "user-1", video_codec=VideoCodec.AV1)
    story = Story()
    story.log.clear()
    story.meeting = Meeting(story.meeting.meeting_id)
    story.tell("user-1", events)
    assert story.meeting.snapshot()["video_codec"] == "av1"


def test_recording_states():
    assert paused().meeting.snapshot()["recording"]["state"] == "paused"
    assert ended().meeting.snapshot()["recording"] is None
    assert ended().meeting.snapshot()["state"] == "ended"
    assert ended().meeting.snapshot()["participants"] == []


def test_chat_is_bounded_and_keeps_the_latest():
    story = Story()
    story.join(CHAIR, role=Role.CHAIR)
    for n in range(KEPT_MESSAGES + 5):
        story.tell(CHAIR, story.meeting.say(CHAIR, f"{n}", f"c{n}"))
    chat = story.meeting.snapshot()["chat"]
    assert [chat[0]["text"], chat[-1]["text"]] == ["5", f"{KEPT_MESSAGES + 4}"]
