import {
  DeviceError,
  listDevices,
  openBoth,
  openCamera,
  openMicrophone,
  openScreen,
  screenConstraints,
} from "./devices.js";

/** @import { Hint } from "../models/shapes.js" */
/** @import { Trouble } from "./devices.js" */

/**
 * @typedef {"microphone" | "camera"} Kind
 * @typedef {object} Device
 * @property {MediaStreamTrack | null} track
 * @property {boolean} on what the person chose: a camera that failed is wanted, but has no track
 * @property {Trouble | null} trouble why there is no track
 * @property {string} deviceId the one chosen, "" for any
 * @property {boolean} opening
 *
 * @typedef {{microphone: MediaDeviceInfo[], camera: MediaDeviceInfo[], speaker: MediaDeviceInfo[]}} Choices
 */

const OPENERS = { microphone: openMicrophone, camera: openCamera };
/** @type {readonly Kind[]} */
const KINDS = ["microphone", "camera"];

/**
 * The microphone, camera and screen of this browser. Tells `change` whenever something about them changes, `trouble`
 * when a device failed, and `screen_ended` when the person stops sharing in the browser's own bar.
 *
 * A microphone that is off stays open, so that it is on again with the first word; a camera that is off is closed,
 * so that its light goes out.
 */
export class LocalMedia extends EventTarget {
  /** @type {Device} */
  microphone = fresh();
  /** @type {Device} */
  camera = fresh();
  /** @type {Partial<Record<"screen" | "screen_audio", MediaStreamTrack>>} */
  screen = {};
  /** @type {Choices} */
  choices = { microphone: [], camera: [], speaker: [] };
  speakerId = "";
  /** @type {Hint} */
  #screenHint = "detail";
  #controller = new AbortController();

  constructor() {
    super();
    const { signal } = this.#controller;
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#list(), { signal });
  }

  /** Open what is to be on, asking the person once for both. Trouble is noted at the device, not thrown. */
  async start() {
    const kinds = KINDS.filter((kind) => this[kind].on);
    const both = kinds.length === KINDS.length ? await this.#openBoth() : false;
    if (!both) await Promise.all(kinds.map((kind) => this.#open(kind)));
  }

  /** @param {Kind} kind @param {boolean} on */
  async set(kind, on) {
    this[kind].on = on;
    if (on && !this[kind].track) return this.#open(kind);
    if (!on && kind === "camera") this.#release(kind);
    this.#apply(kind);
  }

  /** Use another device. @param {Kind} kind @param {string} deviceId */
  async choose(kind, deviceId) {
    this[kind].deviceId = deviceId;
    if (!this[kind].on) return this.#release(kind);
    await this.#open(kind);
  }

  /** @param {string} deviceId */
  chooseSpeaker(deviceId) {
    this.speakerId = deviceId;
    this.#changed();
  }

  /** Let the person pick a screen. Throws DeviceError; `refused` also when the picking was called off. */
  async share() {
    const tracks = await openScreen(this.#screenHint);
    for (const track of tracks) this.screen[track.kind === "video" ? "screen" : "screen_audio"] = track;
    this.screen.screen?.addEventListener("ended", () => this.#screenEnded(), { once: true });
    this.#changed();
  }

  /** What a screen that is shared shows, letters or a film. @param {Hint} hint */
  hintScreen(hint) {
    this.#screenHint = hint;
    // What the source cannot do it leaves alone: then there are fewer pictures, or more than needed.
    void this.screen.screen?.applyConstraints(screenConstraints(hint)).catch(() => undefined);
  }

  stopSharing() {
    for (const track of Object.values(this.screen)) track.stop();
    this.screen = {};
    this.#changed();
  }

  /** Close all devices: who only listens needs none. */
  stop() {
    this.stopSharing();
    for (const kind of KINDS) {
      this[kind].on = false;
      this.#release(kind);
    }
  }

  close() {
    this.#controller.abort();
    this.stop();
  }

  /** @returns {Promise<boolean>} false when it must be found out which of the two is in trouble */
  async #openBoth() {
    this.#opening(true, KINDS);
    const opened = await attempt(() => openBoth(this.microphone.deviceId, this.camera.deviceId));
    this.#opening(false, KINDS);
    if (!opened.tracks && opened.trouble !== "refused") return false;
    for (const [index, kind] of KINDS.entries()) this.#opened(kind, opened.tracks?.[index], opened.trouble);
    await this.#list();
    return true;
  }

  /** @param {Kind} kind */
  async #open(kind) {
    this.#opening(true, [kind]);
    const opened = await attempt(async () => [await OPENERS[kind](this[kind].deviceId)]);
    this.#opening(false, [kind]);
    this.#opened(kind, opened.tracks?.[0], opened.trouble);
    await this.#list();
  }

  /** @param {boolean} opening @param {readonly Kind[]} kinds */
  #opening(opening, kinds) {
    for (const kind of kinds) this[kind].opening = opening;
    this.#changed();
  }

  /** @param {Kind} kind @param {MediaStreamTrack | undefined} track @param {Trouble | null} trouble */
  #opened(kind, track, trouble) {
    if (this.#controller.signal.aborted) return track?.stop();
    this.#replace(kind, track ?? null);
    this[kind].trouble = trouble;
    this.#apply(kind);
    if (trouble) this.#troubled();
  }

  /** @param {Kind} kind @param {MediaStreamTrack | null} track */
  #replace(kind, track) {
    this[kind].track?.stop();
    this[kind].track = track;
    track?.addEventListener("ended", () => this.#unplugged(kind, track), { once: true });
  }

  /** @param {Kind} kind @param {MediaStreamTrack} track */
  #unplugged(kind, track) {
    if (this[kind].track !== track) return;
    this[kind].track = null;
    this[kind].trouble = "missing";
    this.#changed();
    this.#troubled();
  }

  #troubled() {
    this.dispatchEvent(new Event("trouble"));
  }

  /** @param {Kind} kind */
  #release(kind) {
    this.#replace(kind, null);
    this.#changed();
  }

  /** The person may have switched off while the device was being opened. @param {Kind} kind */
  #apply(kind) {
    const { track, on } = this[kind];
    if (track && !on && kind === "camera") return this.#release(kind);
    if (track) track.enabled = on;
    this.#changed();
  }

  #screenEnded() {
    this.stopSharing();
    this.dispatchEvent(new Event("screen_ended"));
  }

  async #list() {
    const { microphones, cameras, speakers } = await listDevices();
    this.choices = { microphone: microphones, camera: cameras, speaker: speakers };
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @returns {Device} */
function fresh() {
  return { track: null, on: true, trouble: null, deviceId: "", opening: false };
}

/**
 * @param {() => Promise<MediaStreamTrack[]>} open
 * @returns {Promise<{tracks: MediaStreamTrack[] | null, trouble: Trouble | null}>}
 */
async function attempt(open) {
  try {
    return { tracks: await open(), trouble: null };
  } catch (error) {
    return { tracks: null, trouble: error instanceof DeviceError ? error.trouble : "failed" };
  }
}
