import { refusalOf, SignallingError, unwrap } from "./errors.js";

/** @import { Demand, Heard, Hint, Link, MeetingEvent, Messages, Snapshot, Source, Subscribed } from "../models/shapes.js" */

/** How long an acknowledgement may take before the request counts as lost. */
const ACK_DEADLINE_MS = 8000;
/** The same where the line is doubted: a round trip, and one packet of it sent again. */
const DOUBT_DEADLINE_MS = 1000;
/** Wait between attempts to connect again: short, for people are looking at the screen. */
const RECONNECT = { reconnectionDelay: 200, reconnectionDelayMax: 2500, timeout: 5000 };

/**
 * What this client needs of a Socket.IO socket; the vendor's `io()` gives one.
 * @typedef {object} Socket
 * @property {boolean} connected
 * @property {boolean} active whether it will connect again by itself
 * @property {(event: string, listener: (...args: any[]) => void) => unknown} on
 * @property {(deadline: number) => {emitWithAck(event: string, ...args: unknown[]): Promise<any>}} timeout
 * @property {() => unknown} connect
 * @property {() => unknown} disconnect
 * @property {{engine: {close(): unknown}}} io
 *
 * @typedef {(options: object) => Socket} Connect
 * @typedef {{participant_id: string, seq: number, ice_servers?: RTCIceServer[], snapshot?: Snapshot,
 *   events?: MeetingEvent[]}} Joined
 * @typedef {{connection: "publishing" | "receiving", state: "connected" | "lost"}} MediaState
 *
 * @typedef {object} Handlers
 * @property {() => number | null} after the last event known, for the way back after a break
 * @property {(joined: Joined) => void} joined after the first join and after each return
 * @property {(events: MeetingEvent[]) => void} events
 * @property {(state: MediaState) => void} media
 * @property {(layers: {source: Source, rids: string[]}) => void} layers
 * @property {() => void} renegotiate
 * @property {(heard: {speakers: Heard[], dominant: string | null}) => void} speakers
 * @property {(quality: {links: Record<string, Link>}) => void} quality
 * @property {() => void} lost the connection broke; it is being made anew
 * @property {(end: {code: string, messages: Messages}) => void} closed it ends here and does not come back
 */

/**
 * The Socket.IO side of PROTOCOL.md: connects, joins, comes back by itself after a break, and knows when to stop.
 *
 * connecting -> joined -> lost -> joined … -> closed. Nothing is sent before the join is acknowledged: Socket.IO
 * would keep it and send it ahead of the join.
 */
export class SignallingClient {
  /** @type {"connecting" | "joined" | "lost" | "closed"} */
  state = "connecting";
  #socket;
  #handlers;
  #joining = false;
  /** @type {MeetingEvent[]} what overtook the acknowledgement of the join */
  #early = [];

  /**
   * @param {Connect} connect
   * @param {string} token a join token
   * @param {Handlers} handlers
   */
  constructor(connect, token, handlers) {
    this.#handlers = handlers;
    this.#socket = connect({ auth: { token }, transports: ["websocket"], ...RECONNECT });
    this.#listen();
  }

  /** @param {string} type @param {object} [fields] @returns {Promise<{seq: number}>} */
  command(type, fields = {}) {
    return this.#request("command", { type, ...fields });
  }

  /**
   * @param {string} sdp an offer
   * @param {Record<string, Source>} sources by mid
   * @param {Partial<Record<Source, Hint>>} hints
   * @returns {Promise<{sdp: string}>}
   */
  publish(sdp, sources, hints) {
    return this.#request("publish", { sdp, sources, hints });
  }

  /** @param {Demand} demand @returns {Promise<Subscribed>} */
  subscribe({ tracks, speakers }) {
    return this.#request("subscribe", { tracks, speakers });
  }

  /** @param {string} sdp */
  answer(sdp) {
    return this.#request("answer", { sdp });
  }

  renewMedia() {
    return this.#request("renew_media", {});
  }

  /** Ask again for what came after the last event known: one went missing. */
  async resume() {
    if (this.state === "joined" && !this.#joining) await this.#join();
  }

  /** The line may be dead though the socket looks alive: unless an answer comes soon, it is made anew. */
  async doubt() {
    if (this.state === "joined" && !this.#joining) await this.#join(DOUBT_DEADLINE_MS);
  }

  close() {
    this.#setState("closed");
    this.#socket.disconnect();
  }

  #listen() {
    const socket = this.#socket;
    socket.on("connect", () => this.#connected());
    socket.on("connect_error", (error) => this.#refused(error));
    socket.on("disconnect", (reason) => this.#disconnected(reason));
    socket.on("events", (events) => this.#arrived(events));
    socket.on("media", (state) => this.#handlers.media(state));
    socket.on("layers", (layers) => this.#handlers.layers(layers));
    socket.on("renegotiate", () => this.#handlers.renegotiate());
    socket.on("speakers", (heard) => this.#handlers.speakers(heard));
    socket.on("quality", (quality) => this.#handlers.quality(quality));
    socket.on("closed", ({ code, messages }) => this.#end(code, messages));
  }

  #connected() {
    this.#early = [];
    void this.#join();
  }

  async #join(deadline = ACK_DEADLINE_MS) {
    this.#joining = true;
    try {
      this.#joined(await this.#emit("join", { after: this.#handlers.after() }, deadline));
    } catch (error) {
      this.#joinFailed(error);
    }
    this.#joining = false;
  }

  /** @param {Joined} joined */
  #joined(joined) {
    if (this.state === "closed" || !this.#socket.connected) return;
    this.#setState("joined");
    this.#handlers.joined(joined);
    if (this.#early.length > 0) this.#handlers.events(this.#early.splice(0));
  }

  /** @param {MeetingEvent[]} events */
  #arrived(events) {
    if (this.state === "joined") this.#handlers.events(events);
    else this.#early.push(...events);
  }

  /** Refused: it would be refused again. Unanswered: the line is dead though the socket looks alive. @param {unknown} error */
  #joinFailed(error) {
    if (!this.#socket.connected) return;
    if (!(error instanceof SignallingError)) throw error;
    if (error.code === "no_answer") this.#socket.io.engine.close();
    else this.#end(error.code, error.messages);
  }

  /** Without `active` the server has refused by a decision, else the network failed. @param {Error & {data?: any}} error */
  #refused(error) {
    if (this.#socket.active) return this.#lost();
    const { code, messages } = refusalOf(error);
    this.#end(code, messages);
  }

  /** A server that goes away on purpose disconnects its clients, and Socket.IO then waits for us. @param {string} reason */
  #disconnected(reason) {
    if (this.state === "closed") return;
    this.#lost();
    if (reason === "io server disconnect") setTimeout(() => this.#reconnect(), RECONNECT.reconnectionDelay);
  }

  #reconnect() {
    if (this.state !== "closed") this.#socket.connect();
  }

  #lost() {
    if (this.state === "lost" || this.state === "closed") return;
    this.#setState("lost");
    this.#handlers.lost();
  }

  /** @param {string} code @param {Messages} [messages] */
  #end(code, messages = {}) {
    if (this.state === "closed") return;
    this.close();
    this.#handlers.closed({ code, messages });
  }

  /** @param {string} event @param {object} data */
  async #request(event, data) {
    if (this.state !== "joined" || !this.#socket.connected) throw new SignallingError("offline");
    return this.#emit(event, data);
  }

  /** @param {string} event @param {object} data */
  async #emit(event, data, deadline = ACK_DEADLINE_MS) {
    let ack;
    try {
      ack = await this.#socket.timeout(deadline).emitWithAck(event, data);
    } catch {
      throw new SignallingError("no_answer");
    }
    return unwrap(ack);
  }

  /** @param {SignallingClient["state"]} state */
  #setState(state) {
    if (state !== this.state) console.debug(`SignallingClient ${this.state} -> ${state}`);
    this.state = state;
  }
}
