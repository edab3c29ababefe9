"""Random meetings: whatever is tried in whatever order, the log tells the whole state and its chain holds."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rooms.errors import BrokenChain, MeetingError
from rooms.events import from_data
from rooms.ids import RecordingId
from rooms.log import verify
from rooms.media import Link
from rooms.meeting import Meeting
from rooms.participant import Kind, LeaveReason, Source
from rooms.permissions import Role
from tests.rooms.story import MANAGER, Story

PEOPLE = st.sampled_from(["a", "b", "c", "d"])
ACTORS = st.one_of(PEOPLE, st.just(MANAGER))
SOURCES = st.sampled_from(Source)
RECORDINGS = st.integers(1, 3).map(lambda n: RecordingId(f"r{n}"))
SIMPLE = ["disconnect", "reconnect", "raise_hand", "stop_recording", "pause_recording", "resume_recording"]


class MeetingMachine(RuleBasedStateMachine):
    """Commands at random, refusals included."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story(participant_limit=3)
        self.recordings = 0

    def run(self, actor, command, *args):
        meeting = self.story.meeting
        before = meeting.snapshot()
        try:
            events = getattr(meeting, command)(*args)
        except MeetingError:
            events = []
        assert meeting.snapshot() == before
        self.story.tell(getattr(actor, "id", actor), events)

    @rule(who=PEOPLE, role=st.sampled_from(Role), kind=st.sampled_from(Kind), name=st.text(max_size=110))
    def admit(self, who, role, kind, name):
        self.run("system", "admit", who, name + "A", role, kind)

    @rule(who=PEOPLE, command=st.sampled_from(SIMPLE))
    def simple(self, who, command):
        self.run(who, command, who)

    @rule(who=PEOPLE, reason=st.sampled_from(LeaveReason))
    def leave(self, who, reason):
        self.run(who, "leave", who, reason)

    @rule(who=PEOPLE, source=SOURCES, command=st.sampled_from(["publish", "unpublish"]))
    def tracks(self, who, source, command):
        self.run(who, command, who, source)

    @rule(actor=ACTORS, who=PEOPLE, source=SOURCES, muted=st.booleans())
    def mute(self, actor, who, source, muted):
        self.run(actor, "mute", actor, who, source, muted)

    @rule(who=PEOPLE, source=SOURCES, lost=st.booleans())
    def media(self, who, source, lost):
        command, reason = ("lose_media", ["no_packets"]) if lost else ("regain_media", [])
        self.run("system", command, who, source, *reason)

    @rule(who=st.one_of(PEOPLE, st.none()))
    def speaker(self, who):
        self.run("system", "change_speaker", who)

    @rule(links=st.dictionaries(PEOPLE, st.builds(Link, st.integers(0, 5), st.integers(0, 1000))))
    def quality(self, links):
        self.run("system", "note_quality", links)

    @rule(actor=ACTORS, who=PEOPLE)
    def lower_hand(self, actor, who):
        self.run(actor, "lower_hand", actor, who)

    @rule(who=PEOPLE, text=st.text(max_size=2100))
    def say(self, who, text):
        self.run(who, "say", who, text, f"c{self.story.meeting.seq}")

    @rule(actor=ACTORS)
    def start_recording(self, actor):
        self.recordings += 1
        self.run(actor, "start_recording", actor, RecordingId(f"r{self.recordings}"))

    @rule(recording=RECORDINGS, reason=st.sampled_from(["disk_full", "crash"]))
    def interrupt(self, recording, reason):
        self.run("system", "interrupt_recording", recording, reason)

    @rule(recording=RECORDINGS)
    def goes_on(self, recording):
        self.run("system", "recording_goes_on", recording)

    @rule(recording=RECORDINGS)
    def warn(self, recording):
        self.run("system", "warn_recording", recording, "disk_low", self.story.now.meeting_ms)

    @rule(recording=RECORDINGS, who=PEOPLE, source=SOURCES)
    def segment(self, recording, who, source):
        self.run("system", "segment_closed", recording, f"{who}-{source}", who, source, 0, 1, 2, "ff")

    @rule(recording=RECORDINGS)
    def ready(self, recording):
        self.run("system", "recording_ready", recording)

    @rule(actor=ACTORS, sure=st.integers(0, 5))
    def end(self, actor, sure):
        if sure == 0:
            self.run(actor, "end", actor, "ended")

    @invariant()
    def the_log_tells_the_state(self):
        assert Meeting.replay(self.story.log) == self.story.meeting

    @invariant()
    def the_rules_hold(self):
        snapshot = self.story.meeting.snapshot()
        json.dumps(snapshot)
        present = {p["participant_id"] for p in snapshot["participants"]}
        assert len(present) <= 3
        assert set(snapshot["hands"]) <= present
        assert snapshot["speaker"] is None or snapshot["speaker"] in present
        tracks = [track for participant in snapshot["participants"] for track in participant["tracks"]]
        assert not any(track["muted"] for track in tracks if "lost" in track)
        if snapshot["state"] == "ended":
            assert (present, snapshot["recording"]) == (set(), None)

    def teardown(self):
        log = self.story.log
        verify(log)
        for logged in log:
            assert from_data(logged.type, json.loads(json.dumps(logged.data))) == logged.event
        broken = replace(log[len(log) // 2], actor="somebody else")
        with pytest.raises(BrokenChain) as at:
            verify([broken if logged.seq == broken.seq else logged for logged in log])
        assert at.value.seq == broken.seq


MeetingMachine.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestMeeting = MeetingMachine.TestCase
