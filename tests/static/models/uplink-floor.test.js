import assert from "node:assert/strict";
import { test } from "node:test";
import { UplinkFloor } from "../../../static/models/uplink-floor.js";

/** @param {UplinkFloor} floor @param {number} lost @param {number} roundTrip @param {number} times */
function look(floor, lost, roundTrip, times) {
  for (let second = 0; second < times; second++) floor.look({ lost, roundTrip });
  return floor.held;
}

test("loss without a queue is the line's own: the rate is held, until the loss is gone for a while", () => {
  const floor = new UplinkFloor();
  assert.equal(look(floor, 0, 50, 3), false);
  assert.equal(look(floor, 0.3, 60, 1), false);
  assert.equal(floor.look({ lost: 0.3, roundTrip: 60 }), true);
  assert.equal(floor.held, true);
  assert.equal(look(floor, 0.01, 50, 9), true);
  assert.equal(look(floor, 0.01, 50, 1), false);
});

test("loss with a queue is ours: nothing is held", () => {
  const floor = new UplinkFloor();
  look(floor, 0, 50, 3);
  assert.equal(look(floor, 0.3, 300, 5), false);
});

test("a queue once the rate is held refutes it until the line was calm", () => {
  const floor = new UplinkFloor();
  look(floor, 0.3, 60, 2);
  assert.equal(look(floor, 0.3, 300, 1), false);
  assert.equal(look(floor, 0.3, 60, 5), false);
  look(floor, 0, 60, 10);
  assert.equal(look(floor, 0.3, 60, 2), true);
});

test("more loss once the rate is held refutes it when it lasts, not by a bad second", () => {
  const floor = new UplinkFloor();
  look(floor, 0.3, 60, 10);
  assert.equal(look(floor, 0.7, 60, 1), true);
  assert.equal(look(floor, 0.3, 60, 100), true);
  assert.equal(look(floor, 0.5, 60, 5), false);
});

test("what a line of 30 % loses in a second by chance does not let the rate go", () => {
  const floor = new UplinkFloor();
  look(floor, 0.3, 60, 2);
  for (let second = 0; second < 600; second++)
    assert.equal(
      floor.look({ lost: [0.42, 0.18, 0.3, 0.24, 0.36, 0.4, 0.28][second % 7] ?? 0, roundTrip: 60 }),
      false,
    );
});
