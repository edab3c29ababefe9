import { LinkWatch } from "./watch.js";

/** @import { Source } from "../models/shapes.js" */
/** @import { LinkState } from "./watch.js" */

/**
 * What each source may send at most. A face at 720p is good from 1.2 Mbit/s; text that scrolls needs more, but
 * fewer pictures; speech in Opus gains nothing above 40 kbit/s.
 * @type {Record<Source, RTCRtpEncodingParameters>}
 */
const ENCODINGS = {
  microphone: { maxBitrate: 40_000 },
  camera: { maxBitrate: 1_200_000, maxFramerate: 30 },
  screen: { maxBitrate: 2_500_000, maxFramerate: 15 },
  screen_audio: { maxBitrate: 96_000 },
};

/** @type {Partial<Record<Source, string>>} what the encoder should keep when it must give something up */
const HINTS = { camera: "motion", screen: "detail", microphone: "speech", screen_audio: "music" };

/**
 * The publishing connection: we offer, the server answers (ICE-lite: it needs no candidates of ours). One call at a
 * time: a connection bears only one negotiation.
 *
 * A source gets its place in the connection the first time it has a track and keeps it; a track that goes is only
 * taken out, so that the next one needs no negotiation.
 */
export class Publisher {
  #exchange;
  #tell;
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {LinkWatch | null} */
  #watch = null;
  /** @type {Map<Source, MediaStreamTrack>} */
  #tracks = new Map();
  /** @type {Map<Source, RTCRtpTransceiver>} */
  #places = new Map();
  /** @type {Set<Source>} what the server's last answer covers; an offer that failed is made again */
  #agreed = new Set();

  /**
   * @param {(sdp: string, sources: Record<string, Source>) => Promise<{sdp: string}>} exchange offer for answer
   * @param {(state: LinkState) => void} tell
   */
  constructor(exchange, tell) {
    this.#exchange = exchange;
    this.#tell = tell;
  }

  /** The connection, working or not. */
  get connection() {
    return this.#connection;
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
      track.contentHint = HINTS[source] ?? "";
      this.#tracks.set(source, track);
    } else this.#tracks.delete(source);
    await this.#places.get(source)?.sender.replaceTrack(track);
  }

  /** @param {Source} source */
  async #vacate(source) {
    const place = this.#places.get(source);
    if (!place) return;
    await place.sender.replaceTrack(null);
    place.direction = "inactive";
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
    const { sdp } = await this.#exchange(offer, sources);
    await connection.setRemoteDescription({ type: "answer", sdp });
    this.#agreed = new Set(Object.values(sources));
  }

  #open() {
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#connection = connection;
    this.#watch = new LinkWatch(connection, this.#tell);
    return connection;
  }

  /** @param {RTCPeerConnection} connection @param {Source} source @param {MediaStreamTrack} track */
  async #place(connection, source, track) {
    const place = this.#places.get(source);
    if (!place) {
      const init = { direction: /** @type {const} */ ("sendonly"), sendEncodings: [ENCODINGS[source]] };
      this.#places.set(source, connection.addTransceiver(track, init));
    } else if (place.direction !== "sendonly") {
      place.direction = "sendonly";
      await place.sender.replaceTrack(track);
    }
  }

  /** Which source is behind each mid; the mids exist once the offer is set. */
  #sources() {
    const placed = [...this.#places].filter(
      ([, place]) => place.direction === "sendonly" && place.mid !== null,
    );
    return Object.fromEntries(placed.map(([source, place]) => [place.mid, source]));
  }

  #drop() {
    this.#watch?.close();
    this.#connection?.close();
    this.#connection = null;
    this.#places.clear();
    this.#agreed.clear();
  }
}
