import assert from "node:assert/strict";
import { test } from "node:test";
import { MediaTrack } from "../../static/player/media-track.js";
import { FakeMedia, file } from "./support/recordings.js";

/** @param {Partial<import("../../static/player/timeline.js").MediaFile>} given */
function track(given = {}, first = 0) {
  const media = new FakeMedia();
  media.currentTime = first;
  return { media, track: new MediaTrack(file({ end_ms: 60_000, ...given }), media) };
}

test("it plays along and bends its speed to the clock", () => {
  const { media, track: one } = track();
  media.currentTime = 10.04;
  one.follow(10_000, 1);
  assert.equal(media.paused, false);
  assert.ok(Math.abs(media.playbackRate - 0.96) < 1e-6);
  one.follow(10_040, 1.5);
  assert.equal(media.playbackRate, 1.5);
});

test("it jumps when it is far off, paused until it has arrived", () => {
  const { media, track: one } = track();
  media.paused = false;
  one.follow(30_000, 1);
  assert.equal(media.currentTime, 30);
  assert.equal(media.paused, true);
  media.seeking = true;
  one.follow(30_100, 1);
  assert.equal(media.paused, true);
  media.seeking = false;
  one.follow(30_100, 1);
  assert.equal(media.paused, false);
});

test("a browser that counts from the first sample is asked for its own time", () => {
  const { media, track: one } = track({ start_ms: 5_000 }, 0);
  one.follow(12_000, 1);
  assert.equal(media.currentTime, 7);
});

test("a browser that shows the file's time is asked for that", () => {
  const { media, track: one } = track({ start_ms: 5_000 }, 5);
  one.follow(12_000, 1);
  assert.equal(media.currentTime, 12);
});

test("standing still it shows the very moment", () => {
  const { media, track: one } = track();
  media.paused = false;
  media.currentTime = 10.1;
  one.rest(10_000);
  assert.equal(media.paused, true);
  assert.equal(media.currentTime, 10);
});

test("the clock waits for a track without data, but not for ever, and not for a broken one", () => {
  const { media, track: one } = track();
  media.readyState = 1;
  assert.equal(one.ready(10_000, 0), false);
  assert.equal(one.ready(10_000, 7_999), false);
  assert.equal(one.ready(10_000, 8_001), true);
  assert.equal(one.lost(8_001), true);
  media.readyState = 4;
  assert.equal(one.ready(10_000, 9_000), true);
  assert.equal(one.lost(9_000), false);
  media.readyState = 0;
  media.error = /** @type {MediaError} */ ({ code: 4 });
  assert.equal(one.ready(10_000, 9_100), true);
});

test("the last stretch needs no data behind it", () => {
  const { media, track: one } = track();
  media.readyState = 2;
  assert.equal(one.ready(59_700, 0), true);
  assert.equal(one.ready(50_000, 0), false);
});
