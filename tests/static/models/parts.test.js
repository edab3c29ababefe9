import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat } from "../../../static/models/chat.js";
import { MeetingClock } from "../../../static/models/clock.js";
import { EventOrder } from "../../../static/models/event-order.js";
import { Meeting } from "../../../static/models/meeting.js";
import { noticeOf } from "../../../static/models/notices.js";
import { may } from "../../../static/models/permissions.js";
import { event, person, snapshot } from "../support/meetings.js";

for (const { name, pushes, handed, gap } of [
  { name: "in order", pushes: [[11, 12], [13]], handed: [11, 12, 13], gap: false },
  { name: "twice", pushes: [[11, 12], [12], [11]], handed: [11, 12], gap: false },
  { name: "early", pushes: [[13], [12], [11]], handed: [11, 12, 13], gap: false },
  { name: "one missing", pushes: [[11], [13, 14]], handed: [11], gap: true },
  { name: "older than the snapshot", pushes: [[9, 10, 11]], handed: [11], gap: false },
]) {
  test(`events arriving ${name}`, () => {
    const order = new EventOrder(10);
    const out = pushes.flatMap((seqs) => order.push(seqs.map((seq) => event(seq, "HandRaised"))));
    assert.deepEqual(
      out.map(({ seq }) => seq),
      handed,
    );
    assert.equal(order.gap, gap);
  });
}

test("chat counts what was not read, over a fresh snapshot too", () => {
  const message = (/** @type {string} */ id) => ({
    message_id: id,
    participant_id: "an",
    name: "An",
    text: "…",
    time: "2026-03-02T01:00:00Z",
  });
  const chat = new Chat([message("c1")]);
  chat.markRead();
  chat.add(message("c2"));
  chat.add(message("c2"));
  assert.equal(chat.unread, 1);
  const fresh = new Chat([message("c1"), message("c2"), message("c3")]);
  fresh.readAs(chat);
  assert.equal(fresh.unread, 2);
});

test("the clock is the server's, whatever this computer says", () => {
  let local = Date.parse("2026-03-02T09:47:00Z");
  const clock = new MeetingClock(() => local);
  clock.observe("2026-03-02T01:10:00Z");
  assert.equal(clock.secondsSince("2026-03-02T01:00:00Z"), 600);
  local += 5000;
  assert.equal(clock.secondsSince("2026-03-02T01:00:00Z"), 605);
  assert.equal(clock.secondsSince("2026-03-02T02:00:00Z"), 0);
  assert.equal(clock.secondsSince(null), 0);
});

test("roles are shown what the server allows them", () => {
  assert.equal(may("chair", "end_meeting"), true);
  assert.equal(may("secretary", "lower_others_hand"), true);
  assert.equal(may("secretary", "mute_others"), false);
  assert.equal(may("operator", "record"), false);
  assert.equal(may("guest", "chat"), false);
  assert.equal(may(undefined, "publish"), false);
});

test("people are told what concerns them", () => {
  const meeting = new Meeting(snapshot([person("an", { role: "chair" }), person("binh")]));
  const told = (/** @type {string} */ type, /** @type {object} */ data, actor = "an", self = "an") =>
    noticeOf(event(11, type, data, actor), meeting, self)?.key ?? null;
  assert.equal(told("HandRaised", { participant_id: "binh" }), "meeting.notice.hand");
  assert.equal(told("HandRaised", { participant_id: "an" }, "an", "binh"), null);
  const muted = { participant_id: "binh", source: "microphone" };
  assert.equal(told("TrackMuted", muted, "an", "binh"), "meeting.notice.muted");
  assert.equal(told("TrackMuted", muted, "binh", "binh"), null);
  assert.equal(told("ParticipantLeft", { participant_id: "binh", reason: "meeting_ended" }), null);
  assert.equal(told("ParticipantLeft", { participant_id: "binh", reason: "lost" }), "meeting.notice.left");
  const low = { recording_id: "r", reason: "disk_low" };
  assert.equal(told("RecordingWarned", low, "system"), "meeting.notice.recording_disk_low");
  assert.equal(told("RecordingWarned", low, "system", "binh"), null);
  const refused = { ...low, reason: "track_refused" };
  assert.equal(told("RecordingWarned", refused, "system"), "meeting.notice.recording_track_refused");
  assert.equal(told("RecordingWarned", { ...low, reason: "file_changed" }, "system"), null);
  assert.equal(told("RecordingResumed", { recording_id: "r" }, "system"), "meeting.notice.recording_resumed");
  assert.equal(told("RecordingResumed", { recording_id: "r" }), null);
});
