import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Attention, PATIENCE_MS } from "../../../static/models/attention.js";
import { PictureSizes, SETTLE_MS } from "../../../static/models/picture-sizes.js";

let told = 0;
const count = () => {
  told += 1;
};

beforeEach(() => {
  told = 0;
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

/** @param {number} width */
const wide = (width) => ({ width, height: (width * 9) / 16 });

test("sizes go in steps of a quarter of each doubling", () => {
  const sizes = new PictureSizes(count);
  /** @param {number} width */
  const step = (width) => {
    sizes.set("an/camera", null);
    sizes.set("an/camera", wide(width));
    return sizes.told.get("an/camera")?.width;
  };
  assert.deepEqual(
    [320, 330, 355, 366.4, 640, 1280, 1366, 1920].map(step),
    [320, 320, 384, 384, 640, 1280, 1280, 2048],
  );
});

test("a new picture is told at once, a change when it has lasted, one that goes at once", () => {
  const sizes = new PictureSizes(count);
  sizes.set("an/camera", wide(320));
  assert.deepEqual([told, sizes.told.get("an/camera")?.width], [1, 320]);
  for (const width of [400, 500, 600, 640]) {
    mock.timers.tick(SETTLE_MS - 1);
    sizes.set("an/camera", wide(width));
  }
  assert.deepEqual([told, sizes.told.get("an/camera")?.width], [1, 320]);
  mock.timers.tick(SETTLE_MS);
  assert.deepEqual([told, sizes.told.get("an/camera")?.width], [2, 640]);
  sizes.set("an/camera", null);
  assert.deepEqual([told, sizes.told.size], [3, 0]);
});

test("who comes while the others change does not hurry them", () => {
  const sizes = new PictureSizes(count);
  sizes.set("an/camera", wide(640));
  sizes.set("an/camera", wide(320));
  sizes.set("binh/camera", wide(320));
  assert.deepEqual(
    [...sizes.told.values()].map(({ width }) => width),
    [640, 320],
  );
  mock.timers.tick(SETTLE_MS);
  assert.deepEqual(
    [...sizes.told.values()].map(({ width }) => width),
    [320, 320],
  );
});

test("a size that is back before it was told is no news", () => {
  const sizes = new PictureSizes(count);
  for (const width of [320, 640, 320]) sizes.set("an/camera", wide(width));
  mock.timers.tick(SETTLE_MS);
  assert.equal(told, 1);
});

test("pictures are given up when nobody has looked for long, and asked for again at once", () => {
  const attention = new Attention(count);
  attention.set(true);
  mock.timers.tick(PATIENCE_MS - 1);
  assert.deepEqual([attention.watching, told], [true, 0]);
  mock.timers.tick(1);
  assert.deepEqual([attention.watching, told], [false, 1]);
  attention.set(false);
  assert.deepEqual([attention.watching, told], [true, 2]);
});

test("a short look elsewhere changes nothing", () => {
  const attention = new Attention(count);
  attention.set(true);
  mock.timers.tick(PATIENCE_MS - 1);
  attention.set(false);
  mock.timers.tick(PATIENCE_MS);
  assert.deepEqual([attention.watching, told], [true, 0]);
});
