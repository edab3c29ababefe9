import { sameDemand } from "../models/wants.js";
import { SignallingError } from "../signalling/errors.js";
import { Playout } from "./playout.js";
import { peerOf } from "./sdp.js";
import { LinkWatch } from "./watch.js";

/** @import { Demand, Slot, Subscribed } from "../models/shapes.js" */
/** @import { LinkState } from "./watch.js" */

/**
 * A slot of the receiving connection and what runs through it now; a speaker's slot carries whoever is loudest.
 * @typedef {Slot & {stream: MediaStream}} BoundSlot
 * @typedef {{mid: string, stream: MediaStream}} SpeakerSlot
 *
 * @typedef {object} Signals what the receiver asks of the server
 * @property {(demand: Demand) => Promise<Subscribed>} subscribe
 * @property {(sdp: string) => Promise<unknown>} answer
 * @property {(slots: BoundSlot[], speakers: SpeakerSlot[]) => void} bound the slots carry other tracks now
 * @property {() => void} replaced the server has lost our connection and begun another one
 * @property {(state: LinkState) => void} state
 * @property {() => void} doubted
 * @property {() => RTCConfiguration} configuration of a new connection
 */

/** @type {Demand} */
const NOTHING = { tracks: [], speakers: 0 };

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
  #wanted = NOTHING;
  /** @type {Demand | null} what the server knows of */
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

  /** Whether nothing comes any more. */
  get silent() {
    return this.#watch?.silent ?? false;
  }

  /** Whether anything is wanted. */
  get used() {
    return this.#wanted.tracks.length > 0 || this.#wanted.speakers > 0;
  }

  /** All that is wanted from now on, asked for with the next call. @param {Demand} demand */
  note(demand) {
    this.#wanted = demand;
  }

  /** Ask for what was noted, unless the server knows it. */
  async update() {
    if (!this.#told || !sameDemand(this.#told, this.#wanted)) await this.#subscribe();
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
    this.#wanted = NOTHING;
    this.#drop();
  }

  async #subscribe() {
    const wanted = this.#wanted;
    if (!this.#connection && !this.used) return;
    const { sdp, slots, speakers } = await this.#signals.subscribe(wanted);
    if (sdp) await this.#accept(sdp);
    else if (!this.#connection && slots.length + speakers.length > 0) throw new SignallingError("bad_answer");
    this.#told = wanted;
    this.#signals.bound(this.#bind(slots), this.#bind(speakers.map((mid) => ({ mid }))));
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
    const connection = new RTCPeerConnection({
      bundlePolicy: "max-bundle",
      ...this.#signals.configuration(),
    });
    this.#connection = connection;
    const playout = new Playout(connection);
    this.#watch = new LinkWatch(connection, {
      ...this.#signals,
      looked: (report) => playout.look(report),
    });
    return connection;
  }

  /**
   * @template {{mid: string}} T
   * @param {T[]} slots
   * @returns {(T & {stream: MediaStream})[]}
   */
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
