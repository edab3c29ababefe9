"""Events to JSON and back; the names and fields are the protocol's."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from rooms.errors import BadEvent
from rooms.events import (
    EVENT_TYPES,
    Event,
    Gap,
    LinkQuality,
    MeetingCreated,
    SegmentClosed,
    SpeakerChanged,
    from_data,
    to_data,
)
from rooms.media import Link, VideoCodec
from tests.rooms.story import ended, heard

PROTOCOL = Path(__file__).parents[2] / "PROTOCOL.md"
# What the protocol has beyond the always present data: a limit or a codec other than the usual one.
OPTIONAL = {"participant_limit", "video_codec"}


def test_names_and_fields_are_those_of_the_protocol():
    section = PROTOCOL.read_text(encoding="utf-8").split("### Events")[1].split("### Snapshot")[0]
    told: dict[str, set[str]] = {}
    for names, data in re.findall(r"^\| (`.*?) \| (.*) \|$", section, re.MULTILINE):
        first = re.match(r"`([a-z0-9_, ]+)`", data)
        for name in re.findall(r"`(\w+)`", names):
            told[name] = set(first[1].split(", ")) if first else set()
    assert told == {
        name: {field.name for field in fields(cls)} - OPTIONAL for name, cls in EVENT_TYPES.items()
    }


@pytest.mark.parametrize(
    "logged", [*ended().log, *heard().log[-3:]], ids=lambda logged: f"{logged.seq}-{logged.type}"
)
def test_json_and_back(logged):
    assert from_data(logged.type, json.loads(json.dumps(logged.data))) == logged.event


def test_nested_values():
    event = SegmentClosed("r", "a.webm", "p", "camera", 0, 1, 2, "ff", (Gap(0, 1, "muted"),))
    assert to_data(event)["gaps"] == [{"start_ms": 0, "end_ms": 1, "reason": "muted"}]
    assert from_data("SegmentClosed", to_data(event)) == event


def test_what_is_missing_in_a_gap_is_not_added_to_older_logs():
    """Or their hashes would differ."""
    gap = {"start_ms": 0, "end_ms": 9, "reason": "loss"}
    for data in ({**SEGMENT, "gaps": [gap]}, {**SEGMENT, "gaps": [{**gap, "missing_ms": 3}]}):
        assert to_data(from_data("SegmentClosed", data)) == data


def test_a_default_is_not_written_so_that_older_hashes_stay():
    assert to_data(MeetingCreated("t", "c", "u")) == {"title": "t", "code": "c", "created_by": "u"}
    assert to_data(MeetingCreated("t", "c", "u", 40))["participant_limit"] == 40
    assert to_data(MeetingCreated("t", "c", "u", video_codec=VideoCodec.VP9))["video_codec"] == "vp9"


def test_of_a_line_only_what_is_wrong_takes_room():
    event = LinkQuality({"p": Link(5), "q": Link(2, rtt_ms=400, reason="delay")})
    links = {"p": {"score": 5}, "q": {"score": 2, "rtt_ms": 400, "reason": "delay"}}
    assert to_data(event) == {"links": links}
    assert from_data("LinkQuality", {"links": links}) == event


def test_nobody_speaks():
    assert to_data(SpeakerChanged()) == {}
    assert from_data("SpeakerChanged", {"participant_id": "p"}) == SpeakerChanged("p")


SEGMENT = to_data(SegmentClosed("r", "n", "p", "camera", 0, 1, 2, "ff", ()))


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("Event", {}),
        ("Unheard", {}),
        ("", {}),
        ("HandRaised", {}),
        ("HandRaised", {"participant_id": 1}),
        ("HandRaised", {"participant_id": None}),
        ("HandRaised", {"participant_id": "p", "more": 1}),
        ("HandRaised", []),
        ("HandRaised", None),
        ("ParticipantLeft", {"participant_id": "p", "reason": "bored"}),
        ("ParticipantLeft", {"participant_id": "p", "reason": []}),
        ("TrackMuted", {"participant_id": "p", "source": "telepathy"}),
        ("MeetingCreated", {"title": "t", "code": "c", "created_by": "u", "participant_limit": True}),
        ("MeetingCreated", {"title": "t", "code": "c", "created_by": "u", "participant_limit": 1.0}),
        ("MeetingCreated", {"title": "t", "code": "c", "created_by": "u", "video_codec": "h265"}),
        ("SpeakerChanged", {"participant_id": None}),
        ("LinkQuality", {}),
        ("LinkQuality", {"links": [{"score": 1}]}),
        ("LinkQuality", {"links": {"p": {}}}),
        ("LinkQuality", {"links": {"p": {"score": 4.5}}}),
        ("LinkQuality", {"links": {"p": {"score": 4, "mood": 1}}}),
        ("SegmentClosed", {**SEGMENT, "gaps": {}}),
        ("SegmentClosed", {**SEGMENT, "gaps": [{}]}),
        ("SegmentClosed", {**SEGMENT, "gaps": [1]}),
        (
            "SegmentClosed",
            {**SEGMENT, "gaps": [{"start_ms": 0, "end_ms": 9, "reason": "", "missing_ms": None}]},
        ),
        ("SegmentClosed", {**SEGMENT, "size": "2"}),
    ],
)
def test_anything_else_is_refused(event_type, data):
    with pytest.raises(BadEvent):
        from_data(event_type, data)


def test_events_are_frozen():
    assert all(issubclass(cls, Event) for cls in EVENT_TYPES.values())
    with pytest.raises(AttributeError):
        MeetingCreated("t", "c", "u").title = "other"
