import { arrangeEncodings, encodingsOf, lightened } from "./encodings.js";
import { Queue } from "./queue.js";
import { Uplink } from "./uplink.js";
import { LinkWatch } from "./watch.js";

/** @import { Hint, Source } from "../models/shapes.js" */
/** @import { LinkState } from "./watch.js" */

/** @type {Partial<Record<Source, string>>} what the encoder should keep when it must give something up */
const CONTENT = { camera: "motion", microphone: "speech", screen_audio: "music" };

/**
 * What a source has in the connection: its transceiver, and what its encodings are when all are wanted.
 * @typedef {{transceiver: RTCRtpTransceiver, encodings: RTCRtpEncodingParameters[]}} Place
 *
 * @typedef {object} PublisherSignals
 * @property {(sdp: string, sources: Record<string, Source>, hints: Partial<Record<Source, Hint>>) =>
 *   Promise<{sdp: string}>} exchange offer for answer
 * @property {(state: LinkState) => void} state
 * @property {() => void} doubted
 * @property {() => void} strained the rate is to be steered otherwise: negotiate again
 * @property {() => RTCConfiguration} configuration of a new connection
 */

/**
 * The publishing connection: we offer, the server answers (ICE-lite: it needs no candidates of ours). One call at a
 * time, but for `layers`: a connection bears only one negotiation.
 *
 * A source gets its place in the connection the first time it has a track and keeps it; a track that goes is only
 * taken out, so that the next one needs no negotiation.
 */
export class Publisher {
  #signals;
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {LinkWatch | null} */
  #watch = null;
  /** @type {Uplink | null} */
  #uplink = null;
  /** @type {Map<Source, MediaStreamTrack>} */
  #tracks = new Map();
  /** @type {Map<Source, Place>} */
  #places = new Map();
  /** @type {Set<Source>} what the server's last answer covers; an offer that failed is made again */
  #agreed = new Set();
  /** @type {Map<Source, readonly string[]>} the encodings that anybody wants; all, where nothing was said */
  #wanted = new Map();
  #parameters = new Queue();
  /** @type {Hint} */
  #screenHint = "detail";

  /** @param {PublisherSignals} signals */
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

  /** Whether there is anything to send. */
  get used() {
    return this.#tracks.size > 0;
  }

  /**
   * Send these tracks from now on; a null sends nothing, but keeps the place. A source that is new, or one whose
   * place was given up, is sent after the next `update`.
   * @param {Partial<Record<Source, MediaStreamTrack | null>>} tracks
   */
  async set(tracks) {
    const entries = /** @type {[Source, MediaStreamTrack | null][]} */ (Object.entries(tracks));
    for (const [source, track] of entries) await this.#set(source, track);
  }

  /** Negotiate, if any source is new. */
  async update() {
    if (this.#hasNew()) await this.#negotiate();
  }

  /** Offer again what is sent: the server has another answer. */
  async renegotiate() {
    if (this.#connection && this.used) await this.#negotiate();
  }

  /** What is to be kept of a shared screen, also of the one that is shared now. @param {Hint} hint */
  async hintScreen(hint) {
    if (hint === this.#screenHint) return;
    this.#screenHint = hint;
    const [place, track] = [this.#places.get("screen"), this.#tracks.get("screen")];
    if (place) place.encodings = encodingsOf("screen", {}, hint);
    await this.#arrange("screen");
    if (!track) return;
    track.contentHint = hint;
    if (this.#agreed.has("screen")) await this.#negotiate();
  }

  /** The encodings of a source that anybody wants now. Never throws. @param {Source} source @param {readonly string[]} rids */
  async layers(source, rids) {
    this.#wanted.set(source, rids);
    await this.#arrange(source);
  }

  /** Give up a source's place: the screen is not shared any more. @param {Source[]} sources */
  async withdraw(sources) {
    const given = sources.filter((source) => this.#tracks.delete(source));
    for (const source of given) await this.#vacate(source);
    if (given.length > 0 && this.#connection) await this.#negotiate();
  }

  /** The server has forgotten the connection: a new one, with the same tracks. */
  async rebuild() {
    this.#drop();
    if (this.used) await this.#negotiate();
  }

  /** The meeting is over for us. */
  close() {
    this.#tracks.clear();
    this.#drop();
  }

  /** @param {Source} source @param {MediaStreamTrack | null} track */
  async #set(source, track) {
    if (track) {
      track.contentHint = source === "screen" ? this.#screenHint : (CONTENT[source] ?? "");
      this.#tracks.set(source, track);
    } else this.#tracks.delete(source);
    const place = this.#places.get(source);
    if (!place || place.transceiver.sender.track === track) return;
    await place.transceiver.sender.replaceTrack(track);
    if (track) await this.#fit(source, place, track);
  }

  /** Another camera may be a smaller one. @param {Source} source @param {Place} place @param {MediaStreamTrack} track */
  async #fit(source, place, track) {
    place.encodings = encodingsOf(source, track.getSettings(), this.#screenHint, place.encodings);
    await this.#arrange(source);
  }

  /** What was wanted of this screen says nothing of the next one. @param {Source} source */
  async #vacate(source) {
    this.#wanted.delete(source);
    const place = this.#places.get(source);
    if (!place) return;
    await place.transceiver.sender.replaceTrack(null);
    place.transceiver.direction = "inactive";
  }

  #hasNew() {
    return [...this.#tracks.keys()].some((source) => !this.#agreed.has(source));
  }

  async #negotiate() {
    const connection = this.#connection ?? this.#open();
    for (const [source, track] of this.#tracks) await this.#place(connection, source, track);
    await connection.setLocalDescription(await connection.createOffer());
    const offer = connection.localDescription?.sdp ?? "";
    const sources = this.#sources();
    const { sdp } = await this.#signals.exchange(offer, sources, { screen: this.#screenHint });
    await connection.setRemoteDescription({ type: "answer", sdp: this.#uplink?.steer(sdp) ?? sdp });
    this.#agreed = new Set(Object.values(sources));
    for (const source of this.#places.keys()) await this.#arrange(source);
  }

  #open() {
    const connection = new RTCPeerConnection({
      bundlePolicy: "max-bundle",
      ...this.#signals.configuration(),
    });
    this.#connection = connection;
    const uplink = new Uplink(this.#signals.strained);
    this.#uplink = uplink;
    this.#watch = new LinkWatch(connection, { ...this.#signals, looked: (report) => uplink.look(report) });
    return connection;
  }

  /** @param {RTCPeerConnection} connection @param {Source} source @param {MediaStreamTrack} track */
  async #place(connection, source, track) {
    const place = this.#places.get(source);
    if (!place) this.#places.set(source, this.#newPlace(connection, source, track));
    else if (place.transceiver.direction !== "sendonly") {
      place.transceiver.direction = "sendonly";
      await place.transceiver.sender.replaceTrack(track);
    }
  }

  /** @param {RTCPeerConnection} connection @param {Source} source @param {MediaStreamTrack} track */
  #newPlace(connection, source, track) {
    const encodings = encodingsOf(source, track.getSettings(), this.#screenHint);
    const init = { direction: /** @type {const} */ ("sendonly"), sendEncodings: encodings };
    return { transceiver: connection.addTransceiver(track, init), encodings };
  }

  /** Which source is behind each mid; the mids exist once the offer is set. */
  #sources() {
    const placed = [...this.#places].filter(
      ([, { transceiver }]) => transceiver.direction === "sendonly" && transceiver.mid !== null,
    );
    return Object.fromEntries(placed.map(([source, { transceiver }]) => [transceiver.mid, source]));
  }

  /** Bring a source's encodings in line with what is planned and wanted, after those before it. @param {Source} source */
  #arrange(source) {
    return this.#parameters.run(() => this.#arrangeNow(source));
  }

  /** @param {Source} source */
  async #arrangeNow(source) {
    const place = this.#places.get(source);
    const sender = place?.transceiver.sender;
    if (!place || !sender) return;
    const parameters = sender.getParameters();
    const planned = this.#planned(source, place.encodings, sender.track);
    if (!arrangeEncodings(parameters.encodings, planned, this.#wanted.get(source) ?? null)) return;
    try {
      await sender.setParameters(parameters);
    } catch (error) {
      // A connection that ends or negotiates meanwhile takes no parameters; after its answer they are set again.
      console.debug(`Publisher ${source} x ${error}`);
    }
  }

  /** @param {Source} source @param {RTCRtpEncodingParameters[]} encodings @param {MediaStreamTrack | null} track */
  #planned(source, encodings, track) {
    const lightens = source === "camera" && track && this.#uplink?.lossy;
    return lightens ? lightened(encodings, track.getSettings()) : encodings;
  }

  #drop() {
    this.#watch?.close();
    this.#connection?.close();
    this.#connection = null;
    this.#places.clear();
    this.#agreed.clear();
    // The next connection is new to the server: it hears everything first, and then says what it needs.
    this.#wanted.clear();
  }
}
