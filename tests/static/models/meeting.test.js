import assert from "node:assert/strict";
import { test } from "node:test";
import { Meeting } from "../../../static/models/meeting.js";
import { event, person, snapshot, tracks } from "../support/meetings.js";

/** @param {[string, object, string?][]} facts */
function after(...facts) {
  const meeting = new Meeting(snapshot([person("an", { tracks: tracks("microphone") }), person("binh")]));
  facts.forEach(([type, data, actor], index) => {
    meeting.apply(event(11 + index, type, data, actor));
  });
  return meeting;
}

/** @param {Meeting} meeting @param {string} id */
function of(meeting, id) {
  const participant = meeting.participants.get(id);
  assert.ok(participant);
  return participant;
}

test("a newcomer is there with no tracks", () => {
  const cuc = { participant_id: "cuc", name: "Cúc", role: "guest", kind: "room" };
  const meeting = after(["ParticipantJoined", cuc]);
  assert.deepEqual([...meeting.participants.keys()], ["an", "binh", "cuc"]);
  assert.equal(of(meeting, "cuc").kind, "room");
  assert.equal(of(meeting, "cuc").publishes("camera"), false);
});

test("a track is published, muted, unmuted, withdrawn", () => {
  const camera = { participant_id: "binh", source: "camera" };
  const seen = (/** @type {Meeting} */ meeting) => [
    of(meeting, "binh").publishes("camera"),
    of(meeting, "binh").sends("camera"),
  ];
  assert.deepEqual(seen(after(["TrackPublished", camera])), [true, true]);
  assert.deepEqual(seen(after(["TrackPublished", camera], ["TrackMuted", camera])), [true, false]);
  const again = after(["TrackPublished", camera], ["TrackMuted", camera], ["TrackUnmuted", camera]);
  assert.deepEqual(seen(again), [true, true]);
  assert.deepEqual(seen(after(["TrackPublished", camera], ["TrackUnpublished", camera])), [false, false]);
});

test("who leaves takes the hand along, and the name stays with what was said", () => {
  const meeting = after(
    ["HandRaised", { participant_id: "binh" }],
    ["HandRaised", { participant_id: "an" }],
    ["ParticipantLeft", { participant_id: "binh", reason: "left" }],
    ["ChatSent", { message_id: "c1", participant_id: "binh", text: "Xin chào" }],
  );
  assert.deepEqual(meeting.hands, ["an"]);
  assert.equal(meeting.participants.has("binh"), false);
  assert.equal(meeting.chat.messages[0].name, "BINH");
});

test("hands keep the order of raising", () => {
  const meeting = after(
    ["HandRaised", { participant_id: "binh" }],
    ["HandRaised", { participant_id: "an" }],
    ["HandRaised", { participant_id: "binh" }],
  );
  assert.deepEqual(meeting.hands, ["binh", "an"]);
  assert.ok(of(meeting, "an").handRaisedAt);
  assert.deepEqual(
    after(["HandRaised", { participant_id: "an" }], ["HandLowered", { participant_id: "an" }]).hands,
    [],
  );
});

test("a recording starts, pauses, goes on, stops", () => {
  const id = { recording_id: "r1" };
  assert.equal(after(["RecordingStarted", id]).recording?.state, "recording");
  assert.equal(after(["RecordingStarted", id], ["RecordingPaused", id]).recording?.state, "paused");
  const on = after(["RecordingStarted", id], ["RecordingPaused", id], ["RecordingResumed", id]);
  assert.equal(on.recording?.state, "recording");
  const stopped = after(["RecordingStarted", id], ["RecordingStopped", id]);
  assert.equal(stopped.recording, null);
});

test("a break is shown and undone", () => {
  const binh = { participant_id: "binh" };
  assert.equal(of(after(["ParticipantDisconnected", binh]), "binh").connected, false);
  const back = after(["ParticipantDisconnected", binh], ["ParticipantReconnected", binh]);
  assert.equal(of(back, "binh").connected, true);
});

test("an event seen before changes nothing", () => {
  const meeting = after(["HandRaised", { participant_id: "an" }]);
  assert.equal(meeting.apply(event(11, "HandLowered", { participant_id: "an" })), false);
  assert.equal(meeting.apply(event(3, "MeetingEnded", { reason: "ended" })), false);
  assert.deepEqual([meeting.hands, meeting.state, meeting.seq], [["an"], "running", 11]);
});

test("an unknown event, or one about somebody unknown, only moves the sequence on", () => {
  const meeting = after(["VoteOpened", {}], ["TrackMuted", { participant_id: "nobody", source: "camera" }]);
  assert.equal(meeting.seq, 12);
  assert.equal(meeting.participants.size, 2);
});

test("the participants of a view drawn earlier do not change under it", () => {
  const meeting = after();
  const before = of(meeting, "an");
  meeting.apply(event(11, "TrackMuted", { participant_id: "an", source: "microphone" }));
  assert.equal(before.sends("microphone"), true);
  assert.notEqual(of(meeting, "an"), before);
});
