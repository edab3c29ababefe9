import assert from "node:assert/strict";
import { test } from "node:test";
import { qualityOf } from "../../../static/models/quality.js";
import { HOLD_MS, Speakers } from "../../../static/models/speakers.js";

/** @param {...string} ids */
const heard = (...ids) => ids.map((participant_id) => ({ participant_id, level: 0.5 }));

test("the others speak as the server tells, and who began last comes first", () => {
  const speakers = new Speakers();
  assert.equal(speakers.tell(heard("an")), true);
  assert.equal(speakers.tell(heard("binh", "an")), true);
  assert.deepEqual(
    [[...speakers.speaking], speakers.recent],
    [
      ["binh", "an"],
      ["binh", "an"],
    ],
  );
  assert.equal(speakers.tell(heard("an", "binh")), false, "louder is not begun");
  assert.equal(speakers.tell([]), true);
  assert.deepEqual([[...speakers.speaking], speakers.recent], [[], ["binh", "an"]]);
});

test("oneself speaks by one's own microphone, and a pause does not end it", () => {
  const speakers = new Speakers();
  assert.equal(speakers.hear("me", 0.001, 0), false);
  assert.equal(speakers.hear("me", 0.2, 100), true);
  assert.equal(speakers.tell(heard("an", "me")), true);
  assert.deepEqual([...speakers.speaking], ["an", "me"]);
  assert.equal(speakers.hear("me", 0, 100 + HOLD_MS), false);
  assert.equal(speakers.hear("me", 0, 101 + HOLD_MS), true);
  assert.deepEqual([...speakers.speaking], ["an"]);
  assert.equal(speakers.tell(heard("an", "me")), false, "the server's word on oneself does not count");
});

for (const { link, level, bars, reason } of [
  { link: { score: 5, reason: "none" }, level: "excellent", bars: 4, reason: "" },
  { link: { score: 4.4, reason: "delay" }, level: "good", bars: 3, reason: "delay" },
  { link: { score: 2, reason: "bandwidth" }, level: "fair", bars: 2, reason: "bandwidth" },
  { link: { score: 1.99, reason: "sunspots" }, level: "poor", bars: 1, reason: "" },
  { link: { score: 0, reason: "loss" }, level: "lost", bars: 0, reason: "loss" },
  { link: { score: 4.8, reason: "loss" }, level: "excellent", bars: 4, reason: "" },
]) {
  test(`a line of ${link.score} is ${level}`, () =>
    assert.deepEqual(qualityOf(link), { level, bars, reason }));
}
