import { SignallingError } from "../signalling/errors.js";
import { Publisher } from "./publisher.js";
import { Queue } from "./queue.js";
import { Receiver } from "./receiver.js";

/** @import { Demand, Hint, Source, Subscribed } from "../models/shapes.js" */
/** @import { BoundSlot, SpeakerSlot } from "./receiver.js" */
/** @import { LinkState } from "./watch.js" */

/** First wait before lost connections are built anew once more; doubles up to the last, for a server that is gone. */
const FIRST_WAIT_MS = 200;
const LAST_WAIT_MS = 3000;

/** @type {readonly Side[]} */
const SIDES = ["publishing", "receiving"];

/**
 * @typedef {"publishing" | "receiving"} Side
 *
 * @typedef {object} MediaSignals the media messages of PROTOCOL.md
 * @property {(sdp: string, sources: Record<string, Source>, hints: Partial<Record<Source, Hint>>) =>
 *   Promise<{sdp: string}>} publish
 * @property {(demand: Demand) => Promise<Subscribed>} subscribe
 * @property {(sdp: string) => Promise<unknown>} answer
 * @property {() => Promise<unknown>} renewMedia
 * @property {() => unknown} doubted media have fallen silent: does the server still hear us?
 */

/**
 * The two media connections of a participant, kept alive: what fails is built anew until it works again.
 *
 * Nothing here throws for want of a server: a step that fails marks its side `failed`, and the repair follows, when
 * there is a line to the server. `changed` is called when a state or a slot has changed.
 */
export class MediaLinks {
  /** @type {Record<Side, LinkState>} */
  states = { publishing: "connecting", receiving: "connecting" };
  /** @type {BoundSlot[]} */
  slots = [];
  /** @type {SpeakerSlot[]} */
  speakers = [];
  /** @type {RTCIceServer[]} for the next connections, as the server gave them */
  iceServers = [];
  /** @type {Record<Side, Queue>} */
  #queues = { publishing: new Queue(), receiving: new Queue() };
  #signals;
  #changed;
  #wait = FIRST_WAIT_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #closed = false;

  /** @param {MediaSignals} signals @param {() => void} changed */
  constructor(signals, changed) {
    this.#signals = signals;
    this.#changed = changed;
    const configuration = () => ({ iceServers: this.iceServers });
    this.publisher = new Publisher({
      exchange: signals.publish,
      state: (state) => this.#set("publishing", state),
      doubted: signals.doubted,
      strained: () => void this.renegotiate(),
      configuration,
    });
    this.receiver = new Receiver({
      subscribe: signals.subscribe,
      answer: signals.answer,
      bound: (slots, speakers) => this.#bound(slots, speakers),
      // What has cost us this connection at the server has cost us the other one too.
      replaced: () => void this.lost("publishing"),
      state: (state) => this.#set("receiving", state),
      doubted: signals.doubted,
      configuration,
    });
  }

  /** Whether something that is in use does not work now. */
  get broken() {
    return Object.values(this.states).some((state) => state === "interrupted" || state === "failed");
  }

  /** @param {Partial<Record<Source, MediaStreamTrack | null>>} tracks */
  send(tracks) {
    return this.#attempt("publishing", async () => {
      await this.publisher.set(tracks);
      if (this.states.publishing !== "failed") await this.publisher.update();
    });
  }

  /** @param {Source[]} sources */
  withdraw(sources) {
    return this.#attempt("publishing", () => this.publisher.withdraw(sources));
  }

  /** The encodings of a source that anybody wants; at once, for it does not negotiate. @param {Source} source @param {readonly string[]} rids */
  layers(source, rids) {
    return this.publisher.layers(source, rids);
  }

  /** The server needs another offer. */
  renegotiate() {
    return this.#attempt("publishing", () => this.publisher.renegotiate());
  }

  /** What is to be kept of a shared screen. @param {Hint} hint */
  hintScreen(hint) {
    return this.#attempt("publishing", () => this.publisher.hintScreen(hint));
  }

  /** Views ask again with every change; while the connection is broken it is only noted. @param {Demand} demand */
  want(demand) {
    this.receiver.note(demand);
    return this.#attempt("receiving", async () => {
      if (this.states.receiving !== "failed") await this.receiver.update();
    });
  }

  /**
   * The line to the server is back: tell it again what is wanted, and repair what broke meanwhile. Media that are
   * silent still, when the server can be reached, are not waited for.
   */
  async returned() {
    for (const side of SIDES) {
      if (this.#link(side).silent) this.#set(side, "failed");
    }
    if (Object.values(this.states).includes("failed")) await this.#renew();
    else await this.#attempt("receiving", () => this.receiver.refresh());
  }

  /** The server has lost one of the connections; by its turn it may already be another one. @param {Side} side */
  async lost(side) {
    const link = this.#link(side);
    const { connection } = link;
    if (link.used) this.#set(side, "interrupted");
    await this.#attempt(side, async () => {
      if (link.connection === connection) await link.rebuild();
    });
  }

  /** @param {Side} side */
  #link(side) {
    return side === "publishing" ? this.publisher : this.receiver;
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.publisher.close();
    this.receiver.close();
  }

  /** Both anew, with no other negotiation in between: the server has to forget and to begin at the same point. */
  #renew() {
    clearTimeout(this.#timer);
    return this.#attempt("publishing", () => this.#attempt("receiving", () => this.#renewBoth()));
  }

  async #renewBoth() {
    if (!Object.values(this.states).includes("failed")) return;
    await this.#signals.renewMedia();
    for (const side of SIDES) this.#set(side, this.#link(side).used ? "interrupted" : "connecting");
    await this.receiver.rebuild();
    await this.publisher.rebuild();
  }

  /** @param {Side} side @param {LinkState} state */
  #set(side, state) {
    if (this.#closed) return;
    console.debug(`MediaLinks ${side} ${this.states[side]} -> ${state}`);
    this.states[side] = state;
    if (state === "connected") this.#wait = FIRST_WAIT_MS;
    if (state === "failed") this.#repairSoon();
    this.#changed();
  }

  #repairSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), this.#wait);
    this.#wait = Math.min(2 * this.#wait, LAST_WAIT_MS);
  }

  /** One step of one connection, after those before it. @param {Side} side @param {() => Promise<unknown>} step */
  async #attempt(side, step) {
    try {
      await this.#queues[side].run(step);
    } catch (error) {
      this.#failed(side, error);
    }
  }

  /** Without a line nothing is tried; `returned` goes on from here. @param {Side} side @param {unknown} error */
  #failed(side, error) {
    if (this.#closed) return;
    const offline = error instanceof SignallingError && error.code === "offline";
    if (error instanceof SignallingError) console.debug(`MediaLinks ${side} x ${error.code}`);
    else console.warn(`MediaLinks ${side}`, error);
    if (!offline || this.states[side] === "interrupted") this.#set(side, "failed");
  }

  /** @param {BoundSlot[]} slots @param {SpeakerSlot[]} speakers */
  #bound(slots, speakers) {
    this.slots = slots;
    this.speakers = speakers;
    this.#changed();
  }
}
