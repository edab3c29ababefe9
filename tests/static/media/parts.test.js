import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceError } from "../../../static/media/devices.js";
import { barOf } from "../../../static/media/level-meter.js";
import { Queue } from "../../../static/media/queue.js";
import { peerOf } from "../../../static/media/sdp.js";

for (const [name, trouble] of [
  ["NotAllowedError", "refused"],
  ["NotFoundError", "missing"],
  ["OverconstrainedError", "missing"],
  ["NotReadableError", "busy"],
  ["TypeError", "failed"],
]) {
  test(`${name} is ${trouble}`, () => {
    assert.equal(deviceError(new DOMException("", name)).trouble, trouble);
  });
}

test("the level bar is empty in silence, full for loud speech, and rises between", () => {
  assert.equal(barOf(0), 0);
  assert.equal(barOf(1), 1);
  assert.ok(barOf(0.01) > 0.2 && barOf(0.01) < barOf(0.05));
});

test("steps run one after the other, and one that fails stops no other", async () => {
  const queue = new Queue();
  /** @type {string[]} */
  const done = [];
  const slow = queue.run(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    done.push("slow");
  });
  const failing = assert.rejects(queue.run(async () => Promise.reject(new Error("no"))));
  const last = queue.run(async () => done.push("last"));
  await Promise.all([slow, failing, last]);
  assert.deepEqual(done, ["slow", "last"]);
});

test("peers are told apart by certificate and ICE credentials, not by what they offer", () => {
  const sdp = (/** @type {string} */ ufrag, /** @type {string} */ fingerprint, mids = 1) =>
    `v=0\r\n${`m=audio 9\r\na=ice-ufrag:${ufrag}\r\na=fingerprint:sha-256 ${fingerprint}\r\n`.repeat(mids)}`;
  assert.equal(peerOf(sdp("u1", "AB", 1)), peerOf(sdp("u1", "AB", 3)));
  assert.notEqual(peerOf(sdp("u1", "AB")), peerOf(sdp("u2", "AB")));
  assert.notEqual(peerOf(sdp("u1", "AB")), peerOf(sdp("u1", "CD")));
});
