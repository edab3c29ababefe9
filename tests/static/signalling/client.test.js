import assert from "node:assert/strict";
import { test } from "node:test";
import { SignallingClient } from "../../../static/signalling/client.js";
import { SignallingError } from "../../../static/signalling/errors.js";
import { event, person, snapshot } from "../support/meetings.js";
import { FakeSocket } from "../support/socket.js";

const JOINED = { ok: true, participant_id: "an", seq: 10, snapshot: snapshot([person("an")]) };

function start() {
  const socket = new FakeSocket();
  /** @type {any[]} */
  const told = [];
  /** @type {{seq: number | null}} */
  const known = { seq: null };
  /** @type {any} */
  let options;
  const connect = (/** @type {any} */ given) => {
    options = given;
    return socket;
  };
  const client = new SignallingClient(connect, "token-1", {
    after: () => known.seq,
    joined: (joined) => told.push(["joined", joined]),
    events: (events) => told.push(["events", events.map(({ seq }) => seq)]),
    media: (state) => told.push(["media", state]),
    layers: (layers) => told.push(["layers", layers]),
    renegotiate: () => told.push(["renegotiate"]),
    speakers: (heard) => told.push(["speakers", heard]),
    quality: (quality) => told.push(["quality", quality]),
    lost: () => told.push(["lost"]),
    closed: (end) => told.push(["closed", end.code]),
  });
  return { client, socket, told, known, options };
}

async function joined() {
  const all = start();
  all.socket.open();
  await all.socket.answer(JOINED);
  all.known.seq = 10;
  all.told.length = 0;
  return all;
}

test("joins with the token, from the beginning", async () => {
  const { client, socket, told, options } = start();
  assert.deepEqual(options.auth, { token: "token-1" });
  socket.open();
  assert.deepEqual([socket.sent[0].event, socket.sent[0].data], ["join", { after: null }]);
  await socket.answer(JOINED);
  assert.equal(told[0][0], "joined");
  assert.equal(client.state, "joined");
});

test("events that overtake the acknowledgement of the join are not lost", async () => {
  const { socket, told } = start();
  socket.open();
  socket.server("events", [event(11, "HandRaised")]);
  assert.deepEqual(told, []);
  await socket.answer(JOINED);
  assert.deepEqual(told[1], ["events", [11]]);
});

test("a command gives its acknowledgement, a refusal its code and sentences", async () => {
  const { client, socket } = await joined();
  const raised = client.command("raise_hand");
  assert.deepEqual(socket.sent[0].data, { type: "raise_hand" });
  await socket.answer({ ok: true, seq: 11 });
  assert.equal((await raised).seq, 11);
  const refused = assert.rejects(client.command("end_meeting"), (/** @type {any} */ error) => {
    assert.ok(error instanceof SignallingError);
    assert.deepEqual([error.code, error.messages.vi], ["not_allowed", "Không được."]);
    return true;
  });
  await socket.answer({ ok: false, error: { code: "not_allowed", messages: { vi: "Không được." } } });
  await refused;
});

test("an answer that does not come, or is no answer, is an error with a code", async () => {
  const { client, socket } = await joined();
  const late = assert.rejects(client.command("leave"), { code: "no_answer" });
  await socket.fail();
  await late;
  const odd = assert.rejects(client.publish("v=0", {}, {}), { code: "bad_answer" });
  await socket.answer("what?");
  await odd;
});

test("what is sent and what is wanted go out in the words of the protocol", async () => {
  const { client, socket } = await joined();
  void client.publish("v=0", { 0: "screen" }, { screen: "detail" });
  const tracks = [{ participant_id: "an", source: /** @type {const} */ ("camera"), width: 320, height: 180 }];
  void client.subscribe({ tracks, speakers: 5 });
  assert.deepEqual(
    socket.sent.map(({ event, data }) => [event, data]),
    [
      ["publish", { sdp: "v=0", sources: { 0: "screen" }, hints: { screen: "detail" } }],
      ["subscribe", { tracks, speakers: 5 }],
    ],
  );
});

test("what the media plane wishes and tells is passed on", async () => {
  const { socket, told } = await joined();
  const news = {
    layers: { source: "camera", rids: ["l"] },
    speakers: { speakers: [{ participant_id: "an", level: 0.4 }], dominant: "an" },
    quality: { links: { an: { score: 4.2, reason: "delay" } } },
  };
  for (const [name, data] of Object.entries(news)) socket.server(name, data);
  socket.server("renegotiate", {});
  assert.deepEqual(told, [...Object.entries(news), ["renegotiate"]]);
});

test("nothing is sent while there is no connection", async () => {
  const { client, socket } = await joined();
  socket.break();
  await assert.rejects(client.command("raise_hand"), { code: "offline" });
  assert.equal(socket.sent.length, 0);
});

test("after a break it joins again and asks for what it missed", async () => {
  const { client, socket, told } = await joined();
  socket.break();
  assert.deepEqual([client.state, told], ["lost", [["lost"]]]);
  socket.open();
  assert.deepEqual(socket.sent[0].data, { after: 10 });
  await socket.answer({ ok: true, participant_id: "an", seq: 12, events: [] });
  assert.equal(client.state, "joined");
});

test("an acknowledgement of a connection that broke meanwhile counts for nothing", async () => {
  const { client, socket, told } = start();
  socket.open();
  socket.break();
  await socket.answer(JOINED);
  assert.equal(client.state, "lost");
  assert.deepEqual(told, [["lost"]]);
});

test("a join without an answer means a dead line: it is cut and made anew", async () => {
  const { client, socket, told } = start();
  socket.open();
  await socket.fail();
  assert.equal(socket.engineClosed, 1);
  assert.equal(client.state, "lost");
  assert.deepEqual(told, [["lost"]]);
});

for (const { name, data, code } of [
  {
    name: "an expired token",
    data: { code: "token_expired", messages: { vi: "Hết hạn." } },
    code: "token_expired",
  },
  { name: "a refusal without a code", data: undefined, code: "refused" },
]) {
  test(`${name} ends it`, () => {
    const { client, socket, told } = start();
    socket.active = false;
    socket.server("connect_error", Object.assign(new Error("no"), { data }));
    assert.deepEqual(told, [["closed", code]]);
    assert.equal(client.state, "closed");
  });
}

test("a network that fails while connecting does not end it", () => {
  const { client, socket, told } = start();
  socket.server("connect_error", new Error("xhr poll error"));
  assert.deepEqual([client.state, told], ["lost", [["lost"]]]);
});

test("a refused join ends it", async () => {
  const { socket, told } = start();
  socket.open();
  await socket.answer({ ok: false, error: { code: "meeting_full", messages: {} } });
  assert.deepEqual(told, [["closed", "meeting_full"]]);
});

test("closed by the server: told once, and it does not come back", async () => {
  const { client, socket, told } = await joined();
  socket.server("closed", { code: "replaced", messages: {} });
  socket.break("io server disconnect");
  assert.deepEqual(told, [["closed", "replaced"]]);
  assert.equal(client.state, "closed");
  assert.equal(socket.connects, 0);
});

test("a server that restarts is found again", async () => {
  const { socket } = await joined();
  socket.break("io server disconnect");
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(socket.connects, 1);
});

test("a missing event is asked for once at a time", async () => {
  const { client, socket } = await joined();
  const first = client.resume();
  await client.resume();
  assert.equal(socket.sent.length, 1);
  await socket.answer({ ok: true, participant_id: "an", seq: 12, events: [] });
  await first;
});

test("a doubted line proves itself by an answer, or is cut and made anew", async () => {
  const { client, socket, told } = await joined();
  void client.doubt();
  assert.deepEqual(socket.sent[0].data, { after: 10 });
  await socket.answer({ ok: true, participant_id: "an", seq: 10, events: [] });
  assert.deepEqual([client.state, told.length], ["joined", 1]);
  const doubted = client.doubt();
  await socket.fail();
  await doubted;
  assert.equal(socket.engineClosed, 1);
});
