import assert from "node:assert/strict";
import { test } from "node:test";
import { mainTile, SpeakerPicker, tiles } from "../../static/player/director.js";
import { file } from "./support/recordings.js";

/** @param {Partial<import("../../static/player/timeline.js").MediaFile>} given */
const cue = (given, active = true) => ({ file: file(given), active, position: 0, missing: false });
const wish = { pinned: null, speaker: null, previous: null };

const meeting = [
  cue({ name: "1", participant_id: "a", source: "camera" }),
  cue({ name: "2", participant_id: "a", source: "microphone", kind: "audio" }),
  cue({ name: "3", participant_id: "b", source: "microphone", kind: "audio" }),
  cue({ name: "4", participant_id: "c", source: "camera" }, false),
];
const screen = cue({ name: "5", participant_id: "c", source: "screen" });

test("each person and each screen has one tile", () => {
  const found = tiles([...meeting, screen]).map(({ key, shown, videos }) => [key, shown, videos.length]);
  assert.deepEqual(found, [
    ["a/camera", true, 1],
    ["b/camera", true, 0],
    ["c/camera", false, 1],
    ["c/screen", true, 1],
  ]);
});

const choices = [
  { name: "a picture before a mere name", cues: meeting, given: {}, main: "a/camera" },
  { name: "who speaks", cues: meeting, given: { speaker: "b" }, main: "b/camera" },
  {
    name: "the shared screen before who speaks",
    cues: [...meeting, screen],
    given: { speaker: "b" },
    main: "c/screen",
  },
  {
    name: "the pinned one before all",
    cues: [...meeting, screen],
    given: { pinned: "a/camera" },
    main: "a/camera",
  },
  { name: "a pinned one that is gone", cues: meeting, given: { pinned: "z/camera" }, main: "a/camera" },
  { name: "not one that only waits", cues: meeting, given: { speaker: "c" }, main: "a/camera" },
  { name: "the one shown so far", cues: meeting, given: { previous: "b/camera" }, main: "b/camera" },
  { name: "nothing", cues: [], given: {}, main: null },
];
for (const { name, cues, given, main } of choices) {
  test(`large is ${name}`, () => assert.equal(mainTile(tiles(cues), { ...wish, ...given }), main));
}

test("a cough does not take the screen, a speech does", () => {
  const picker = new SpeakerPicker();
  const levels = (/** @type {number} */ a, /** @type {number} */ b) =>
    new Map([
      ["a", a],
      ["b", b],
    ]);
  assert.equal(picker.hear(levels(0.1, 0), 0), "a");
  assert.equal(picker.hear(levels(0.1, 0.5), 100), "a");
  assert.equal(picker.hear(levels(0.1, 0), 300), "a");
  assert.equal(picker.hear(levels(0, 0.2), 1_000), "a");
  assert.equal(picker.hear(levels(0, 0.2), 1_600), "b");
  assert.equal(picker.hear(levels(0, 0), 9_000), "b");
});
