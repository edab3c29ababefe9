import assert from "node:assert/strict";
import { test } from "node:test";
import { PlayerEngine } from "../../static/player/engine.js";
import { FakeMedia, file } from "./support/recordings.js";

/** @param {{ files?: any[], pauses?: any[] }} [given] */
function setUp({ files = [file()], pauses = [] } = {}) {
  const time = { now: 0 };
  const engine = new PlayerEngine({ durationMs: 20_000, files, pauses }, () => time.now);
  engine.tick();
  const media = files.map(({ name }) => Object.assign(new FakeMedia(), { dataset: { file: name } }));
  engine.adopt(/** @type {any} */ (media));
  return { time, engine, media };
}

test("all tracks start and stop together", () => {
  const { engine, media } = setUp({ files: [file(), file({ name: "b", participant_id: "b" })] });
  engine.toggle();
  assert.deepEqual(
    media.map(({ paused }) => paused),
    [false, false],
  );
  engine.toggle();
  assert.deepEqual(
    media.map(({ paused }) => paused),
    [true, true],
  );
});

test("one track without data holds everyone", () => {
  const { time, engine, media } = setUp({ files: [file(), file({ name: "b", participant_id: "b" })] });
  engine.toggle();
  time.now = 1_000;
  media[1].readyState = 2;
  engine.tick();
  assert.equal(engine.held, true);
  assert.equal(media[0].paused, true);
  time.now = 3_000;
  media[1].readyState = 4;
  engine.tick();
  assert.equal(engine.at, 1_000);
  assert.equal(media[0].paused, false);
});

test("a pause of the recording is passed over", () => {
  const { time, engine } = setUp({ pauses: [{ start: 2_000, end: 7_000 }] });
  engine.toggle();
  time.now = 2_050;
  engine.tick();
  assert.equal(engine.at, 7_000);
});

test("it stops at the end", () => {
  const { time, engine } = setUp();
  engine.toggle();
  time.now = 30_000;
  engine.tick();
  assert.equal(engine.playing, false);
  assert.equal(engine.at, 20_000);
});

test("other files at hand are told once", () => {
  const { time, engine } = setUp({
    files: [file(), file({ name: "late", start_ms: 15_000, end_ms: 20_000 })],
  });
  let changes = 0;
  engine.addEventListener("change", () => {
    changes += 1;
  });
  engine.seek(1_000);
  assert.equal(changes, 0);
  engine.seek(8_000);
  engine.seek(8_500);
  assert.equal(changes, 1);
  assert.deepEqual(
    engine.cues.map(({ file: { name }, active }) => [name, active]),
    [
      ["a-camera-1.webm", true],
      ["late", false],
    ],
  );
  assert.equal(time.now, 0);
});
