/**
 * The meeting's clock. Office computers are often minutes wrong, so the server's time is taken from the events as
 * they arrive: an event is as old as the network is slow, which is far less than the second that is shown.
 */
export class MeetingClock {
  #offsetMs = 0;
  #now;

  /** @param {() => number} now local time in ms since 1970 */
  constructor(now = Date.now) {
    this.#now = now;
  }

  /** An event of just now. @param {string} time UTC, ISO 8601 */
  observe(time) {
    const server = Date.parse(time);
    if (Number.isFinite(server)) this.#offsetMs = server - this.#now();
  }

  /** Whole seconds since then, never negative. @param {string | null} time UTC, ISO 8601 */
  secondsSince(time) {
    const start = time ? Date.parse(time) : Number.NaN;
    if (!Number.isFinite(start)) return 0;
    return Math.max(0, Math.floor((this.#now() + this.#offsetMs - start) / 1000));
  }
}
