import assert from "node:assert/strict";
import { test } from "node:test";
import { bufferFor } from "../../../static/models/playout.js";

const NONE = { target: 0, calm: 0 };

test("a clean line is left to the browser", () => {
  assert.deepEqual(bufferFor(NONE, 0.01, 200).target, 0);
});

test("where much is asked for again, playing waits for it: a round trip and more", () => {
  assert.equal(bufferFor(NONE, 0.1, 50).target, 250);
  assert.equal(bufferFor(NONE, 0.5, 100).target, 500);
});

test("it becomes longer at once, and shorter step by step after some calm seconds", () => {
  let buffer = bufferFor(NONE, 0.1, 50);
  for (let second = 0; second < 7; second++) buffer = bufferFor(buffer, 0, 50);
  assert.equal(buffer.target, 250);
  const targets = [];
  for (let second = 0; second < 4; second++) {
    buffer = bufferFor(buffer, 0, 50);
    targets.push(buffer.target);
  }
  assert.deepEqual(targets, [200, 150, 100, 0]);
  assert.equal(bufferFor(buffer, 0.1, 50).target, 250);
});
