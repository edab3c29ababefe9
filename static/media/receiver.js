import { sameWants } from "../models/wants.js";
import { SignallingError } from "../signalling/errors.js";
import { peerOf } from "./sdp.js";
import { LinkWatch } from "./watch.js";

/** @import { Slot, Want } from "../models/shapes.js" */
/** @import { LinkState } from "./watch.js" */

/**
 * A slot of the receiving connection and what runs through it now.
 * @typedef {Slot & {stream: MediaStream}} BoundSlot
 *
 * @typedef {object} Signals what the receiver asks of the server
 * @property {(wants: Want[]) => Promise<{sdp: string | null, slots: Slot[]}>} subscribe
 * @property {(sdp: string) => Promise<unknown>} answer
 * @property {(slots: BoundSlot[]) => void} bound the slots carry other tracks now
 * @property {() => void} replaced the server has lost our connection and begun another one
 * @property {(state: LinkState) => void} state
 */

/**
 * The receiving connection: we say what we want, the server offers when that needs more slots. One call at a time.
 *
 * A slot is an m-line, so its MediaStream stays the same while the server sends one participant's track and then
 * another's through it; views bind to `(participant, source)` and are told when that changes.
 */
export class Receiver {
  #signals;
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {LinkWatch | null} */
  #watch = null;
  /** @type {Want[]} */
  #wanted = [];
  /** @type {Want[] | null} what the server knows of */
  #told = null;
  /** @type {Map<string, MediaStream>} by mid */
  #streams = new Map();

  /** @param {Signals} signals */
  constructor(signals) {
    this.#signals = signals;
  }

  /** The connection, working or not. */
  get connection() {
    return this.#connection;
  }

  /** Whether anything is wanted. */
  get used() {
    return this.#wanted.length > 0;
  }

  /** All that is wanted from now on, asked for with the next call. @param {Want[]} wants */
  note(wants) {
    this.#wanted = wants;
  }

  /** Ask for what was noted, unless the server knows it. */
  async update() {
    if (!this.#told || !sameWants(this.#told, this.#wanted)) await this.#subscribe();
  }

  /** Say again what is wanted: the server may not have heard, or may have forgotten. */
  async refresh() {
    await this.#subscribe();
  }

  /** The server has forgotten the connection: a new one, for the same wants. */
  async rebuild() {
    this.#drop();
    await this.#subscribe();
  }

  close() {
    this.#wanted = [];
    this.#drop();
  }

  async #subscribe() {
    const wants = this.#wanted;
    if (!this.#connection && wants.length === 0) return;
    const { sdp, slots } = await this.#signals.subscribe(wants);
    if (sdp) await this.#accept(sdp);
    else if (!this.#connection && slots.length > 0) throw new SignallingError("bad_answer");
    this.#told = wants;
    this.#signals.bound(this.#bind(slots));
  }

  /** @param {string} sdp an offer */
  async #accept(sdp) {
    const connection = this.#connectionFor(sdp);
    await connection.setRemoteDescription({ type: "offer", sdp });
    await connection.setLocalDescription(await connection.createAnswer());
    await this.#signals.answer(connection.localDescription?.sdp ?? "");
  }

  /** An offer from another peer: the server has lost the one we had. @param {string} sdp */
  #connectionFor(sdp) {
    const known = this.#connection?.remoteDescription?.sdp;
    if (known && peerOf(known) !== peerOf(sdp)) {
      this.#drop();
      this.#signals.replaced();
    }
    if (this.#connection) return this.#connection;
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#connection = connection;
    this.#watch = new LinkWatch(connection, this.#signals.state);
    return connection;
  }

  /** @param {Slot[]} slots @returns {BoundSlot[]} */
  #bind(slots) {
    const transceivers = this.#connection?.getTransceivers() ?? [];
    return slots.flatMap((slot) => {
      const receiver = transceivers.find((one) => one.mid === slot.mid)?.receiver;
      return receiver ? [{ ...slot, stream: this.#streamOf(slot.mid, receiver) }] : [];
    });
  }

  /** @param {string} mid @param {RTCRtpReceiver} receiver */
  #streamOf(mid, receiver) {
    const stream = this.#streams.get(mid) ?? new MediaStream([receiver.track]);
    this.#streams.set(mid, stream);
    return stream;
  }

  #drop() {
    this.#watch?.close();
    this.#connection?.close();
    this.#connection = null;
    this.#told = null;
    this.#streams.clear();
  }
}
