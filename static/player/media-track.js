import { correction, offsetMs } from "./sync.js";

// HTMLMediaElement.readyState: enough to show this moment; enough to go on from it.
const HAVE_CURRENT_DATA = 2;
const HAVE_FUTURE_DATA = 3;
// The last stretch of a file has nothing after it to wait for.
const TAIL_MS = 400;
// While standing still the picture should be exactly the moment shown, within a frame.
const STILL_TOLERANCE_MS = 60;
// A track that gives nothing for so long is left behind; the meeting goes on without it.
const PATIENCE_MS = 8_000;

/** What is used of HTMLMediaElement. @typedef {Pick<HTMLMediaElement, "currentTime" | "readyState" | "seeking" |
 *   "ended" | "paused" | "playbackRate" | "error" | "play" | "pause" | "addEventListener" | "removeAttribute" |
 *   "load">} Media */

/** One file in one media element, kept at the clock's moment. */
export class MediaTrack {
  /** @type {number | null} */
  #offset = null;
  /** @type {number | null} */
  #waitingSince = null;

  /**
   * @param {import("./timeline.js").MediaFile} file
   * @param {Media} element
   */
  constructor(file, element) {
    this.file = file;
    this.element = element;
    if (element.readyState >= HAVE_CURRENT_DATA) this.#loaded();
    else element.addEventListener("loadeddata", () => this.#loaded(), { once: true });
  }

  #loaded() {
    this.#offset = offsetMs(this.element.currentTime * 1000, this.file.start_ms);
  }

  /**
   * Whether the clock may pass this moment as far as this track is concerned. A broken or stalled one holds nobody.
   * @param {number} at
   * @param {number} now
   */
  ready(at, now) {
    if (this.#canPlay(at)) {
      this.#waitingSince = null;
      return true;
    }
    this.#waitingSince ??= now;
    return this.element.error !== null || now - this.#waitingSince > PATIENCE_MS;
  }

  /** Whether it has failed or is given up for now. @param {number} now */
  lost(now) {
    const waited = this.#waitingSince === null ? 0 : now - this.#waitingSince;
    return this.element.error !== null || waited > PATIENCE_MS;
  }

  /** @param {number} at */
  #canPlay(at) {
    const { ended, readyState, seeking } = this.element;
    if (this.#offset === null || seeking) return false;
    const needed = at > this.file.end_ms - TAIL_MS ? HAVE_CURRENT_DATA : HAVE_FUTURE_DATA;
    return ended || readyState >= needed;
  }

  /**
   * Play along with the clock.
   * @param {number} at
   * @param {number} rate
   */
  follow(at, rate) {
    if (this.#offset === null || this.element.seeking || this.element.ended) return;
    const { jump, speed } = correction(this.#drift(at));
    if (jump) return this.#seek(at);
    this.element.playbackRate = rate * speed;
    // A browser that refuses to play has its reasons (no gesture yet); the next tick asks again.
    if (this.element.paused) this.element.play().catch(() => {});
  }

  /**
   * Stand still at a moment.
   * @param {number} at
   */
  rest(at) {
    if (this.#offset === null || this.element.seeking) return;
    if (!this.element.paused) this.element.pause();
    if (Math.abs(this.#drift(at)) > STILL_TOLERANCE_MS) this.#seek(at);
  }

  /** Let go of the file and of the connection it is fetched over. */
  close() {
    this.element.pause();
    this.element.removeAttribute("src");
    this.element.load();
  }

  /** @param {number} at */
  #drift(at) {
    return this.element.currentTime * 1000 + (this.#offset ?? 0) - this.#reachable(at);
  }

  /**
   * Paused first: an element that is paused while it seeks may never come to an end of it (Chromium 156, several
   * elements at once).
   * @param {number} at
   */
  #seek(at) {
    if (!this.element.paused) this.element.pause();
    this.element.currentTime = (this.#reachable(at) - (this.#offset ?? 0)) / 1000;
  }

  /** A browser cannot stand before the first sample or after the last one. @param {number} at */
  #reachable(at) {
    return Math.min(Math.max(at, this.file.start_ms), this.file.end_ms);
  }
}
