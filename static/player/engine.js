import { PlaybackClock } from "./clock.js";
import { MediaTrack } from "./media-track.js";
import { cues, ordered, pauseEnd } from "./timeline.js";

/** @typedef {import("./timeline.js").MediaFile} MediaFile */
/** @typedef {import("./timeline.js").Cue} Cue */

const TICK_MS = 100;

/**
 * Plays all files of a recording together. Tells `tick` ten times a second while anything may have moved, and
 * `change` when other files are at hand than before, so that the page can make elements for them.
 */
export class PlayerEngine extends EventTarget {
  #clock;
  #files;
  /** @type {import("./timeline.js").Span[]} */
  #pauses;
  /** @type {Map<string, MediaTrack>} */
  #tracks = new Map();
  #timer = 0;
  #shown = "";
  /** @type {Cue[]} */
  cues = [];

  /**
   * @param {{ durationMs: number, files: MediaFile[], pauses: import("./timeline.js").Span[] }} recording
   * @param {() => number} now milliseconds of a steady clock
   */
  constructor({ durationMs, files, pauses }, now = () => performance.now()) {
    super();
    this.durationMs = durationMs;
    this.now = now;
    this.#clock = new PlaybackClock(durationMs);
    this.#files = ordered(files);
    this.#pauses = pauses;
  }

  get at() {
    return this.#clock.at(this.now());
  }

  get playing() {
    return this.#clock.playing;
  }

  /** Whether a track is being waited for. */
  get held() {
    return this.#clock.held;
  }

  get rate() {
    return this.#clock.rate;
  }

  start() {
    this.#timer = window.setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  stop() {
    clearInterval(this.#timer);
    for (const track of this.#tracks.values()) track.close();
    this.#tracks.clear();
  }

  toggle() {
    if (this.playing) this.#clock.pause(this.now());
    else this.#clock.play(this.now());
    this.tick();
  }

  /**
   * Go to a moment; the clock goes on from there when every track has arrived.
   * @param {number} ms
   */
  seek(ms) {
    this.#clock.seek(ms, this.now());
    this.#plan(this.at);
    for (const cue of this.cues) this.#tracks.get(cue.file.name)?.rest(cue.position);
    this.tick();
  }

  /** @param {number} ms forward, or back when negative */
  skip(ms) {
    this.seek(this.at + ms);
  }

  /** @param {number} rate */
  setRate(rate) {
    this.#clock.setRate(rate, this.now());
  }

  /**
   * The elements that are on the page now, each with the name of its file in `data-file`.
   * @param {Iterable<HTMLMediaElement>} elements
   */
  adopt(elements) {
    const present = new Map([...elements].map((element) => [element.dataset.file ?? "", element]));
    for (const [name, track] of this.#tracks)
      if (present.get(name) !== track.element) this.#drop(name, track);
    for (const { file } of this.cues) {
      const element = present.get(file.name);
      if (element && !this.#tracks.has(file.name)) this.#tracks.set(file.name, new MediaTrack(file, element));
    }
  }

  /**
   * @param {string} name
   * @param {MediaTrack} track
   */
  #drop(name, track) {
    track.close();
    this.#tracks.delete(name);
  }

  /**
   * Whether something of a participant should be playing now and cannot.
   * @param {string} participantId
   */
  troubled(participantId) {
    return this.cues.some(
      ({ file, active }) => active && file.participant_id === participantId && this.#lost(file),
    );
  }

  /** @param {MediaFile} file */
  #lost(file) {
    return this.#tracks.get(file.name)?.lost(this.now()) ?? false;
  }

  /**
   * Bring every track to the clock, and hold the clock for the one that is not ready.
   * @returns {void}
   */
  tick() {
    const end = this.#clock.running ? pauseEnd(this.#pauses, this.at) : null;
    // In a pause of the recording there is nothing to see: go on behind it.
    if (end !== null) return this.seek(end);
    const now = this.now();
    const at = this.#clock.at(now);
    if (this.#clock.playing && at >= this.durationMs) this.#clock.pause(now);
    this.#plan(at);
    const held = this.cues.some((cue) => cue.active && !this.#ready(cue, now));
    if (held !== this.#clock.held) this.#clock.hold(held, now);
    for (const cue of this.cues) this.#move(cue);
    this.dispatchEvent(new Event("tick"));
  }

  /** @param {number} at */
  #plan(at) {
    this.cues = cues(this.#files, at);
    const shown = this.cues
      .map(({ file, active, missing }) => [file.name, active, missing, this.#lost(file)])
      .join("|");
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.dispatchEvent(new Event("change"));
  }

  /**
   * @param {Cue} cue
   * @param {number} now
   */
  #ready(cue, now) {
    return this.#tracks.get(cue.file.name)?.ready(cue.position, now) ?? false;
  }

  /** @param {Cue} cue */
  #move(cue) {
    const track = this.#tracks.get(cue.file.name);
    if (cue.active && this.#clock.running) track?.follow(cue.position, this.#clock.rate);
    else track?.rest(cue.position);
  }
}
