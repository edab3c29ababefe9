import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Playout } from "../../../static/media/playout.js";
import { Uplink } from "../../../static/media/uplink.js";
import { LinkWatch } from "../../../static/media/watch.js";
import { reportOf, WatchedConnection } from "../support/connection.js";

const LOOK_MS = 300;
let now = 0;

beforeEach(() => {
  now = 0;
  mock.restoreAll();
  mock.timers.reset();
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  mock.method(performance, "now", () => now);
});

/** A connection that is watched, and what was told of it. */
function watched() {
  const connection = new WatchedConnection();
  /** @type {string[]} */
  const told = [];
  const counts = { doubts: 0, looks: 0 };
  const watch = new LinkWatch(/** @type {any} */ (connection), {
    state: (state) => told.push(state),
    doubted: () => {
      counts.doubts += 1;
    },
    looked: () => {
      counts.looks += 1;
    },
  });
  return { connection, watch, told, counts };
}

/** Let time pass, with so many packets in each look. @param {WatchedConnection} connection @param {number} ms @param {number} packets */
async function pass(connection, ms, packets) {
  for (let passed = 0; passed < ms; passed += LOOK_MS) {
    connection.arrived += packets;
    now += LOOK_MS;
    mock.timers.tick(LOOK_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("while packets come nothing is told but the statistics, once a second", async () => {
  const { connection, told, counts } = watched();
  connection.become("connected");
  await pass(connection, 12_000, 20);
  assert.deepEqual(told, ["connected"]);
  assert.equal(counts.doubts, 0);
  assert.ok(counts.looks >= 9 && counts.looks <= 12, `${counts.looks} looks in 12 s`);
});

test("silence after many packets is doubted, then an interruption, then the end, and that is the last word", async () => {
  const { connection, watch, told, counts } = watched();
  connection.become("connected");
  await pass(connection, 1200, 20);
  await pass(connection, 2100, 0);
  assert.deepEqual([told, counts.doubts, watch.silent], [["connected"], 1, true]);
  await pass(connection, 1200, 0);
  assert.deepEqual(told, ["connected", "interrupted"]);
  await pass(connection, 1500, 0);
  connection.become("connected");
  await pass(connection, 900, 20);
  assert.deepEqual([told, counts.doubts], [["connected", "interrupted", "failed"], 1]);
});

test("where only checks are answered, a silence is borne for longer and never doubted", async () => {
  const { connection, told, counts } = watched();
  connection.become("connected");
  await pass(connection, 300, 1);
  await pass(connection, 3900, 0);
  assert.deepEqual([told, counts.doubts], [["connected", "interrupted"], 0]);
  await pass(connection, 3000, 0);
  await pass(connection, 300, 1);
  assert.deepEqual(told, ["connected", "interrupted", "connected"]);
});

test("a connection that finds no path has failed after a while", async () => {
  const { connection, told } = watched();
  connection.become("connecting");
  await pass(connection, 9900, 0);
  assert.deepEqual(told, ["connecting"]);
  await pass(connection, 300, 0);
  assert.deepEqual(told, ["connecting", "failed"]);
});

test("who asks often for repairs waits for them before playing", () => {
  const connection = new WatchedConnection();
  const playout = new Playout(/** @type {any} */ (connection));
  const video = (/** @type {number} */ packetsReceived, /** @type {number} */ nackCount) =>
    reportOf(
      { type: "inbound-rtp", kind: "video", packetsReceived, nackCount },
      { type: "inbound-rtp", kind: "audio", packetsReceived: 9, nackCount: 9 },
      { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.05 },
      { type: "candidate-pair", nominated: false, currentRoundTripTime: 9 },
    );
  const targets = () => connection.receivers.map(({ jitterBufferTarget }) => jitterBufferTarget);
  playout.look(video(100, 0));
  assert.deepEqual(targets(), [null, null]);
  playout.look(video(200, 10));
  assert.deepEqual(targets(), [250, 250]);
});

const SOUND = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n";
const CAMERA =
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n" +
  "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";
const SCREEN =
  "m=video 9 UDP/TLS/RTP/SAVPF 96 102\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=fmtp:96 max-fr=30\r\n" +
  "a=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack\r\na=fmtp:102 packetization-mode=1\r\n";
const ANSWER = `v=0\r\n${SOUND}${CAMERA}${SCREEN}`;

test("a lossy line without a queue holds the rate of pictures, and says so once", () => {
  let changes = 0;
  const uplink = new Uplink(() => {
    changes += 1;
  });
  const sound = (/** @type {number} */ fractionLost) =>
    reportOf(
      { type: "remote-inbound-rtp", kind: "audio", fractionLost, roundTripTime: 0.05 },
      { type: "remote-inbound-rtp", kind: "video", fractionLost: 1, roundTripTime: 9 },
    );
  uplink.look(reportOf({ type: "outbound-rtp", kind: "audio" }));
  uplink.look(sound(0));
  assert.equal(uplink.steer(ANSWER), ANSWER);
  for (let second = 0; second < 4; second++) uplink.look(sound(0.3));
  assert.equal(changes, 1);
  const steered = uplink.steer(ANSWER);
  assert.deepEqual(steered.match(/^a=fmtp:.*(?=\r$)/gm), [
    "a=fmtp:111 useinbandfec=1",
    "a=fmtp:96 x-google-min-bitrate=500",
    "a=fmtp:97 apt=96",
    "a=fmtp:96 max-fr=30;x-google-min-bitrate=500",
    "a=fmtp:102 packetization-mode=1;x-google-min-bitrate=500",
  ]);
  assert.deepEqual(steered.split("\r\n").length, ANSWER.split("\r\n").length + 1);
});
