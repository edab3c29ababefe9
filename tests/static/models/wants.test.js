import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange } from "../../../static/models/layout.js";
import { Meeting } from "../../../static/models/meeting.js";
import { demandOf, keyOf, sameDemand } from "../../../static/models/wants.js";
import { event, person, snapshot, tracks } from "../support/meetings.js";

/** @import { Arrangement } from "../../../static/models/layout.js" */
/** @import { Demand } from "../../../static/models/shapes.js" */

const SIZE = { width: 640, height: 360 };
const SENT = tracks("camera", "microphone");
const five = () =>
  new Meeting(snapshot(["me", "an", "binh", "cuc", "dung"].map((id) => person(id, { tracks: SENT }))));

/** Everything that is placed is in view, and of one size. @param {Arrangement} arrangement */
function allInView({ stage, tiles }) {
  const cameras = tiles.map(({ id }) => ({ participant_id: id, source: "camera" }));
  return new Map([...(stage ? [stage] : []), ...cameras].map((track) => [keyOf(track), SIZE]));
}

/** @param {Meeting} meeting @param {object} [view] @param {object} [look] @returns {Demand} */
function demand(meeting, view = {}, look = {}) {
  const arrangement = arrange(meeting, { selfId: "me", limit: 9, ...view });
  return demandOf(meeting, arrangement, {
    selfId: "me",
    sizes: allInView(arrangement),
    watching: true,
    ...look,
  });
}

/** @param {Demand} demand */
const names = ({ tracks }) => tracks.map((want) => `${want.participant_id} ${want.source}`);

test("wanted: the pictures on screen, the voices to them, and of the others the loudest", () => {
  const meeting = five();
  meeting.apply(event(11, "TrackPublished", { participant_id: "an", source: "screen" }));
  const wanted = demand(meeting, { limit: 3, recent: ["dung"] });
  assert.deepEqual(names(wanted), ["an microphone", "dung microphone", "an screen", "dung camera"]);
  assert.equal(wanted.speakers, 5);
  assert.equal(demand(meeting).speakers, 0, "everybody is on screen");
});

test("the sound of a shared film is wanted wherever its sharer is", () => {
  const meeting = five();
  meeting.apply(event(11, "TrackPublished", { participant_id: "an", source: "screen_audio" }));
  assert.ok(names(demand(meeting, { limit: 2 })).includes("an screen_audio"));
});

test("a picture is wanted as large as it is shown, and not at all out of view", () => {
  const sizes = new Map([["an/camera", { width: 320, height: 180 }]]);
  const cameras = demand(five(), {}, { sizes }).tracks.filter(({ source }) => source === "camera");
  assert.deepEqual(cameras, [{ participant_id: "an", source: "camera", width: 320, height: 180 }]);
});

test("who does not look still listens", () => {
  const wanted = demand(five(), {}, { watching: false });
  assert.deepEqual(names(wanted), ["an microphone", "binh microphone", "cuc microphone", "dung microphone"]);
});

test("a pinned picture is wanted once, from the stage; what is not published is not wanted", () => {
  const meeting = five();
  const pinned = (/** @type {string} */ name) =>
    names(demand(meeting, { pinned: "an" })).filter((one) => one === name).length;
  assert.equal(pinned("an camera"), 1);
  meeting.apply(event(11, "TrackUnpublished", { participant_id: "an", source: "camera" }));
  assert.equal(pinned("an camera"), 0);
});

for (const { name, look, same } of [
  { name: "the same", look: {}, same: true },
  { name: "another size", look: { sizes: new Map([["an/camera", { ...SIZE, width: 320 }]]) }, same: false },
  { name: "less", look: { watching: false }, same: false },
]) {
  test(`demands are compared: ${name}`, () => {
    const sizes = new Map([["an/camera", SIZE]]);
    const before = demand(five(), {}, { sizes });
    assert.equal(sameDemand(before, demand(five(), {}, { sizes, ...look })), same);
  });
}

test("demands are compared by their speakers, too", () => {
  assert.ok(!sameDemand({ tracks: [], speakers: 0 }, { tracks: [], speakers: 5 }));
});
