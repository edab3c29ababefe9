import assert from "node:assert/strict";
import { test } from "node:test";
import { arrangeEncodings, encodingsOf, lightened } from "../../../static/media/encodings.js";

/** @param {{width?: number, height?: number}} size */
const camera = (size) =>
  encodingsOf("camera", size, "detail").map(({ rid, scaleResolutionDownBy, maxBitrate }) => [
    rid,
    scaleResolutionDownBy,
    maxBitrate,
  ]);

for (const { name, size, encodings } of [
  {
    name: "720p",
    size: { width: 1280, height: 720 },
    encodings: [
      ["l", 4, 150_000],
      ["m", 2, 500_000],
      ["h", 1, 1_300_000],
    ],
  },
  {
    name: "upright 720p",
    size: { width: 720, height: 1280 },
    encodings: [
      ["l", 4, 150_000],
      ["m", 2, 500_000],
      ["h", 1, 1_300_000],
    ],
  },
  {
    name: "640",
    size: { width: 640, height: 480 },
    encodings: [
      ["m", 2, 150_000],
      ["h", 1, 500_000],
    ],
  },
  { name: "320", size: { width: 320, height: 240 }, encodings: [[undefined, undefined, 150_000]] },
]) {
  test(`a camera of ${name} sends ${encodings.length}`, () => assert.deepEqual(camera(size), encodings));
}

test("over a line that loses much no encoding is larger than what fits into a packet or two", () => {
  const size = { width: 1280, height: 720 };
  const light = lightened(encodingsOf("camera", size, "detail"), size);
  assert.deepEqual(
    light.map(({ rid, active, scaleResolutionDownBy, maxBitrate }) => [
      rid,
      active,
      scaleResolutionDownBy,
      maxBitrate,
    ]),
    [
      ["l", true, 4, 150_000],
      ["m", true, 1280 / 480, 200_000],
      ["h", true, 1280 / 480, 200_000],
    ],
  );
  const small = { width: 320, height: 240 };
  assert.equal(lightened(encodingsOf("camera", small, "detail"), small)[0]?.maxBitrate, 150_000);
});

test("a camera of unknown size is taken for 720p", () =>
  assert.deepEqual(camera({}), camera({ width: 1280, height: 720 })));

test("a smaller camera in the place of a larger one is sent by the first encodings, and they alone", () => {
  const before = planned();
  const smaller = encodingsOf("camera", { width: 640, height: 480 }, "detail", before);
  assert.deepEqual(
    smaller.map(({ rid, active, scaleResolutionDownBy }) => [rid, active, scaleResolutionDownBy]),
    [
      ["l", true, 2],
      ["m", true, 1],
      ["h", false, 1],
    ],
  );
  assert.deepEqual(active(["h"], smaller), ["m"], "who wants what is not to be had gets the next");
  assert.deepEqual(active(["l"], smaller), ["l"]);
  assert.deepEqual(encodingsOf("camera", { width: 1280, height: 720 }, "detail", smaller), before);
});

test("a screen of letters keeps its size in all encodings, a film does not", () => {
  const scales = (/** @type {"detail" | "motion"} */ hint) =>
    encodingsOf("screen", {}, hint).map(({ scaleResolutionDownBy }) => scaleResolutionDownBy);
  assert.deepEqual(scales("detail"), [1, 1]);
  assert.ok(Number(scales("motion")[0]) > 1);
});

const planned = () => encodingsOf("camera", { width: 1280, height: 720 }, "detail");
/** @param {readonly string[] | null} wanted */
function active(wanted, plan = planned()) {
  const encodings = planned();
  arrangeEncodings(encodings, plan, wanted);
  return encodings.filter((encoding) => encoding.active).map(({ rid }) => rid);
}

test("what nobody wants is paused, all of it if need be; all goes while nothing was said", () => {
  assert.deepEqual(active(null), ["l", "m", "h"]);
  assert.deepEqual(active(["l", "h"]), ["l", "h"]);
  assert.deepEqual(active([]), []);
  assert.deepEqual(active(["x"]), []);
});

test("a single encoding has no name and goes while any is wanted", () => {
  const one = () => [/** @type {RTCRtpEncodingParameters} */ ({ active: true })];
  const plan = encodingsOf("microphone", {}, "detail");
  const [paused, sent] = [one(), one()];
  assert.ok(arrangeEncodings(paused, plan, []));
  assert.ok(arrangeEncodings(sent, plan, null));
  assert.deepEqual([paused[0].active, sent[0].active, sent[0].maxBitrate], [false, true, 40_000]);
});

test("encodings that are as planned need no call", () => {
  const encodings = planned();
  assert.ok(!arrangeEncodings(encodings, planned(), null));
  assert.ok(arrangeEncodings(encodings, planned(), ["l"]));
  assert.ok(!arrangeEncodings(encodings, planned(), ["l"]));
});
