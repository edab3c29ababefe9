import assert from "node:assert/strict";
import { test } from "node:test";
import { currentEntry, fromChapters, story } from "../../static/player/story.js";

/**
 * @param {number} meeting_ms
 * @param {string} type
 * @param {Record<string, any>} data
 */
const event = (meeting_ms, type, data = {}) => ({ meeting_ms, type, data });

const log = [
  event(0, "ParticipantJoined", { participant_id: "a", name: "Trần Văn An" }),
  event(10_000, "RecordingStarted", { recording_id: "r" }),
  event(12_000, "ParticipantJoined", { participant_id: "b", name: "Lê Thị Bình" }),
  event(13_000, "TrackPublished", { participant_id: "b", source: "camera" }),
  event(14_000, "TrackPublished", { participant_id: "b", source: "screen" }),
  event(15_000, "ChatSent", { participant_id: "a", text: "Chào" }),
  event(20_000, "RecordingPaused", { recording_id: "r" }),
  event(21_000, "RecordingPaused", { recording_id: "another" }),
  event(30_000, "RecordingResumed", { recording_id: "r" }),
  event(90_000, "MeetingEnded", { reason: "chair" }),
];

test("it tells what happened while recording, on the recording's zero", () => {
  const { entries, pauses } = story(log, "r", 60_000);
  assert.deepEqual(entries, [
    { at: 2_000, type: "ParticipantJoined", name: "Lê Thị Bình", text: "" },
    { at: 4_000, type: "TrackPublished", name: "Lê Thị Bình", text: "" },
    { at: 5_000, type: "ChatSent", name: "Trần Văn An", text: "Chào" },
    { at: 10_000, type: "RecordingPaused", name: "", text: "" },
    { at: 20_000, type: "RecordingResumed", name: "", text: "" },
  ]);
  assert.deepEqual(pauses, [{ start: 10_000, end: 20_000 }]);
});

test("an interruption that ends does not make an earlier pause longer", () => {
  const again = [...log, event(50_000, "RecordingResumed", { recording_id: "r" })];
  assert.deepEqual(story(again, "r", 60_000).pauses, [{ start: 10_000, end: 20_000 }]);
});

test("a recording that ended paused is paused to its end", () => {
  const { pauses } = story(log.slice(0, 7), "r", 60_000);
  assert.deepEqual(pauses, [{ start: 10_000, end: 60_000 }]);
});

test("chapters tell the same where the log may not be read", () => {
  const chapters = [{ at_ms: 2_000, type: "ParticipantJoined", participant_id: "b", name: "Lê Thị Bình" }];
  const { entries } = story(fromChapters(chapters), "r", 60_000);
  assert.deepEqual(entries, [{ at: 2_000, type: "ParticipantJoined", name: "Lê Thị Bình", text: "" }]);
});

test("the current entry is the last one begun", () => {
  const { entries } = story(log, "r", 60_000);
  assert.deepEqual(
    [0, 2_000, 4_500, 60_000].map((at) => currentEntry(entries, at)),
    [-1, 0, 1, 4],
  );
});
