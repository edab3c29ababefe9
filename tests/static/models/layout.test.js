import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, capacity, GAP, gridFor } from "../../../static/models/layout.js";
import { Meeting } from "../../../static/models/meeting.js";
import { event, person, snapshot, tracks } from "../support/meetings.js";

/** @import { Arrangement } from "../../../static/models/layout.js" */

const SCREENS = { laptop: [1350, 600], hall: [1900, 920], phone: [374, 640], strip: [240, 600] };

for (const [name, [width, height]] of Object.entries(SCREENS)) {
  test(`1 to 25 tiles fit a ${name}`, () => {
    for (let count = 1; count <= 25; count += 1) {
      const grid = gridFor(count, { width, height }, { upright: name === "phone" });
      assert.ok(grid.columns * grid.rows >= count);
      assert.ok(grid.columns * grid.width + (grid.columns - 1) * GAP <= width, `${count} tiles are too wide`);
      assert.ok(grid.rows * grid.height + (grid.rows - 1) * GAP <= height, `${count} tiles are too high`);
      assert.ok(grid.width / grid.height < 1.8 && grid.width / grid.height > 0.7);
    }
  });
}

test("two stand side by side on a wide screen, one above the other on a phone", () => {
  assert.equal(gridFor(2, { width: 1350, height: 600 }).columns, 2);
  assert.equal(gridFor(2, { width: 374, height: 640 }, { upright: true }).columns, 1);
  assert.equal(gridFor(9, { width: 1350, height: 600 }).columns, 3);
});

test("a small area shows at least one tile", () => {
  assert.equal(capacity({ width: 0, height: 0 }), 1);
  assert.ok(capacity({ width: 374, height: 640 }) >= 9);
});

const CAMERA = tracks("camera", "microphone");
const five = () =>
  new Meeting(snapshot(["me", "an", "binh", "cuc", "dung"].map((id) => person(id, { tracks: CAMERA }))));

/** @param {Arrangement} arrangement */
const ids = ({ tiles }) => tiles.map(({ id }) => id);

test("others in the order of joining, oneself last", () => {
  assert.deepEqual(ids(arrange(five(), { selfId: "me", limit: 9 })), ["an", "binh", "cuc", "dung", "me"]);
});

test("when not all fit, oneself and the latest speakers stay, and places do not move", () => {
  const some = arrange(five(), { selfId: "me", limit: 4, recent: ["dung", "an"] });
  assert.deepEqual(ids(some), ["an", "dung", "me"]);
  assert.equal(some.hidden, 2);
});

test("the screen shared last takes the stage, then the earlier one, then the pinned picture", () => {
  const meeting = five();
  const screen = (/** @type {string} */ id) => ({ participant_id: id, source: "screen" });
  const staged = () => arrange(meeting, { selfId: "me", pinned: "cuc", limit: 9 }).stage;
  assert.deepEqual(staged(), { participant_id: "cuc", source: "camera" });
  meeting.apply(event(11, "TrackPublished", screen("binh")));
  meeting.apply(event(12, "TrackPublished", screen("an")));
  assert.deepEqual(staged(), screen("an"));
  meeting.apply(event(13, "TrackUnpublished", screen("an")));
  assert.deepEqual(staged(), screen("binh"));
  assert.equal(arrange(five(), { selfId: "me", pinned: "gone", limit: 9 }).stage, null);
});
