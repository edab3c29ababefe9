/**
 * The one clock all tracks of a recording follow. It knows no media: time is passed in, in milliseconds of any steady
 * clock. It stands still while paused, and while held because a track has nothing to play yet.
 */
export class PlaybackClock {
  #base = 0;
  #since = 0;
  #rate = 1;
  #playing = false;
  #held = false;

  /** @param {number} durationMs */
  constructor(durationMs) {
    this.durationMs = durationMs;
  }

  /** Whether the viewer wants it to play; it may be held all the same. */
  get playing() {
    return this.#playing;
  }

  get held() {
    return this.#held;
  }

  get rate() {
    return this.#rate;
  }

  /** Whether time passes. */
  get running() {
    return this.#playing && !this.#held;
  }

  /**
   * The place in the recording, from 0 to its length.
   * @param {number} now
   */
  at(now) {
    const passed = this.running ? (now - this.#since) * this.#rate : 0;
    return Math.min(Math.max(this.#base + passed, 0), this.durationMs);
  }

  /**
   * Play on; from the start when the end had been reached.
   * @param {number} now
   */
  play(now) {
    if (this.at(now) >= this.durationMs) this.seek(0, now);
    this.#mark(now);
    this.#playing = true;
  }

  /** @param {number} now */
  pause(now) {
    this.#mark(now);
    this.#playing = false;
  }

  /**
   * @param {number} ms
   * @param {number} now
   */
  seek(ms, now) {
    this.#base = Math.min(Math.max(ms, 0), this.durationMs);
    this.#since = now;
  }

  /**
   * @param {boolean} held
   * @param {number} now
   */
  hold(held, now) {
    this.#mark(now);
    this.#held = held;
  }

  /**
   * @param {number} rate 1 is the speed of life
   * @param {number} now
   */
  setRate(rate, now) {
    this.#mark(now);
    this.#rate = rate;
  }

  /** Count from here, so that what changes next does not change what has passed. @param {number} now */
  #mark(now) {
    this.seek(this.at(now), now);
  }
}
