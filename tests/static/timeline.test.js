import assert from "node:assert/strict";
import { test } from "node:test";
import { correction, offsetMs } from "../../static/player/sync.js";
import { cues, opening, ordered, pauseEnd } from "../../static/player/timeline.js";
import { file } from "./support/recordings.js";

const gaps = [
  { start_ms: 30_000, end_ms: 40_000, reason: "muted" },
  { start_ms: 50_000, end_ms: 50_400, reason: "loss" },
  { start_ms: 52_000, end_ms: 58_000, reason: "loss", missing_ms: 1_200 },
];
const long = file({ start_ms: 20_000, end_ms: 60_000, gaps });
const cueCases = [
  { at: 11_999, expected: null },
  { at: 12_000, expected: { active: false, position: 20_000, missing: false } },
  { at: 20_000, expected: { active: true, position: 20_000, missing: false } },
  { at: 30_000, expected: { active: true, position: 30_000, missing: true } },
  { at: 40_000, expected: { active: true, position: 40_000, missing: false } },
  { at: 50_100, expected: { active: true, position: 50_100, missing: false } },
  { at: 55_000, expected: { active: true, position: 55_000, missing: false } },
  { at: 60_000, expected: null },
];
for (const { at, expected } of cueCases) {
  test(`cue at ${at}`, () => {
    const [cue] = cues([long], at);
    const { active, position, missing } = cue ?? {};
    assert.deepEqual(cue ? { active, position, missing } : null, expected);
  });
}

test("files keep one order, whatever is asked first", () => {
  const names = ["b-camera-1", "a-screen-1", "a-camera-2", "a-camera-1"];
  const files = names.map((name, i) => {
    const [participant_id, source] = name.split("-");
    return file({ name, participant_id, source, start_ms: (4 - i) * 1_000 });
  });
  assert.deepEqual(
    ordered(files).map(({ name }) => name),
    ["a-camera-1", "a-camera-2", "a-screen-1", "b-camera-1"],
  );
});

test("a pause leads to its end", () => {
  const pauses = [{ start: 5_000, end: 9_000 }];
  assert.deepEqual(
    [4_999, 5_000, 8_999, 9_000].map((at) => pauseEnd(pauses, at)),
    [null, 9_000, 9_000, null],
  );
});

const drifts = [
  { drift: 0, jump: false, speed: 1 },
  { drift: 25, jump: false, speed: 1 },
  { drift: 40, jump: false, speed: 0.96 },
  { drift: -40, jump: false, speed: 1.04 },
  { drift: 150, jump: false, speed: 0.95 },
  { drift: -150, jump: false, speed: 1.05 },
  { drift: 151, jump: true, speed: 1 },
  { drift: -5_000, jump: true, speed: 1 },
];
for (const { drift, jump, speed } of drifts) {
  test(`drift of ${drift} ms`, () => assert.deepEqual(correction(drift), { jump, speed }));
}

const offsets = [
  { name: "Chromium shows the file's own time", first: 5_000, start: 5_000, offset: 0 },
  { name: "Opus begins a little early", first: 4_994, start: 5_000, offset: 0 },
  { name: "others count from the first sample", first: 0, start: 5_000, offset: 5_000 },
  { name: "a file that begins with the recording", first: 0, start: 0, offset: 0 },
];
for (const { name, first, start, offset } of offsets) {
  test(`offset: ${name}`, () => assert.equal(offsetMs(first, start), offset));
}

for (const { starts, expected } of [
  { starts: { video: [400, 900], audio: [100] }, expected: 400 },
  { starts: { video: [], audio: [250] }, expected: 250 },
  { starts: { video: [60_000], audio: [100] }, expected: 0 },
  { starts: { video: [], audio: [] }, expected: 0 },
]) {
  test(`a recording opens at ${expected}`, () => {
    const files = Object.entries(starts).flatMap(([kind, moments]) =>
      moments.map((start_ms) => file({ kind: /** @type {"audio" | "video"} */ (kind), start_ms })),
    );
    assert.equal(opening(files), expected);
  });
}
