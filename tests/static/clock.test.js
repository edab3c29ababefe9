import assert from "node:assert/strict";
import { test } from "node:test";
import { PlaybackClock } from "../../static/player/clock.js";

test("time passes only while playing", () => {
  const clock = new PlaybackClock(60_000);
  assert.equal(clock.at(5_000), 0);
  clock.play(5_000);
  assert.equal(clock.at(7_500), 2_500);
  clock.pause(8_000);
  assert.equal(clock.at(20_000), 3_000);
});

test("a held clock stands still and goes on where it stood", () => {
  const clock = new PlaybackClock(60_000);
  clock.play(0);
  clock.hold(true, 1_000);
  assert.equal(clock.at(9_000), 1_000);
  assert.equal(clock.playing, true);
  assert.equal(clock.running, false);
  clock.hold(false, 9_000);
  assert.equal(clock.at(10_000), 2_000);
});

test("the rate counts from the moment it is set", () => {
  const clock = new PlaybackClock(60_000);
  clock.play(0);
  clock.setRate(2, 1_000);
  assert.equal(clock.at(2_000), 3_000);
  clock.setRate(1, 2_000);
  assert.equal(clock.at(3_000), 4_000);
});

const seeks = [
  { to: -5, at: 0 },
  { to: 12_345, at: 12_345 },
  { to: 99_999, at: 60_000 },
];
for (const { to, at } of seeks) {
  test(`seek to ${to} lands at ${at}`, () => {
    const clock = new PlaybackClock(60_000);
    clock.seek(to, 100);
    assert.equal(clock.at(100), at);
    assert.equal(clock.at(5_000), at);
  });
}

test("it stops at the end and starts again from the beginning", () => {
  const clock = new PlaybackClock(1_000);
  clock.play(0);
  assert.equal(clock.at(5_000), 1_000);
  clock.pause(5_000);
  clock.play(6_000);
  assert.equal(clock.at(6_250), 250);
});
