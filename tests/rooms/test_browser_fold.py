"""The browser's fold of the events (static/models/meeting.js) and ours come to the same meeting."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rooms.media import Link
from rooms.permissions import Role
from tests.rooms.story import CAMERA, CHAIR, MICROPHONE, RECORDING, SCREEN, Story

FOLD = Path(__file__).parents[1] / "static" / "support" / "fold.js"


def people(story: Story) -> None:
    story.join("lan")
    story.tell("lan", story.meeting.publish("lan", CAMERA))
    story.tell("lan", story.meeting.publish("lan", SCREEN))
    story.tell(CHAIR, story.meeting.mute(CHAIR, "lan", CAMERA, True))
    story.tell("lan", story.meeting.mute("lan", "lan", CAMERA, False))
    story.tell("lan", story.meeting.unpublish("lan", SCREEN))
    story.tell("system", story.meeting.disconnect("lan"))
    story.join("lan")
    story.tell("lan", story.meeting.publish("lan", MICROPHONE))


def media(story: Story) -> None:
    story.join("lan")
    story.tell("lan", story.meeting.publish("lan", MICROPHONE))
    story.tell("lan", story.meeting.publish("lan", CAMERA))
    story.tell("system", story.meeting.lose_media("lan", CAMERA, "no_packets"))
    story.tell("system", story.meeting.lose_media("lan", MICROPHONE, "no_packets"))
    story.tell("system", story.meeting.regain_media("lan", MICROPHONE))
    story.tell("system", story.meeting.change_speaker("lan"))
    story.tell("system", story.meeting.note_quality({"lan": Link(3)}))


def media_muted(story: Story) -> None:
    media(story)
    story.tell("lan", story.meeting.mute("lan", "lan", CAMERA, True))
    story.tell("system", story.meeting.change_speaker(None))


def speaker_left(story: Story) -> None:
    media(story)
    story.tell("lan", story.meeting.leave("lan"))


def words(story: Story) -> None:
    story.join("lan")
    story.tell("lan", story.meeting.raise_hand("lan"))
    story.tell(CHAIR, story.meeting.raise_hand(CHAIR))
    story.tell("lan", story.meeting.say("lan", "Xin phát biểu", "c1"))
    story.tell(CHAIR, story.meeting.lower_hand(CHAIR, "lan"))
    story.tell("lan", story.meeting.leave("lan"))


def recorded(story: Story) -> None:
    story.tell(CHAIR, story.meeting.start_recording(CHAIR, RECORDING))


def recording_paused(story: Story) -> None:
    recorded(story)
    story.tell(CHAIR, story.meeting.pause_recording(CHAIR))


def recording_failed(story: Story) -> None:
    recorded(story)
    story.tell("system", story.meeting.interrupt_recording(RECORDING, "disk_full"))


def recording_again(story: Story) -> None:
    recording_failed(story)
    story.tell("system", story.meeting.recording_goes_on(RECORDING))


def recording_stopped(story: Story) -> None:
    recording_again(story)
    story.tell(CHAIR, story.meeting.stop_recording(CHAIR))


def end(story: Story) -> None:
    people(story)
    story.tell(CHAIR, story.meeting.end(CHAIR, "ended_by_chair"))


@pytest.mark.parametrize(
    "happens",
    [
        *(people, media, media_muted, speaker_left, words, end),
        *(recorded, recording_paused, recording_failed, recording_again, recording_stopped),
    ],
)
def test_both_folds_agree(happens: Callable[[Story], None]) -> None:
    story = Story()
    story.join(CHAIR, role=Role.CHAIR)
    before = story.meeting.snapshot()
    happens(story)
    events = [logged.to_json() for logged in story.log]
    told = json.dumps({"before": before, "events": events, "after": story.meeting.snapshot()})
    run = subprocess.run(["node", FOLD], input=told, capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stderr
