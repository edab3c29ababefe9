/** @import { MeetingEvent } from "./shapes.js" */

/** Puts events into the order of `seq`: hands over what follows on, drops what was seen, holds what came early. */
export class EventOrder {
  /** @type {Map<number, MeetingEvent>} */
  #waiting = new Map();

  /** @param {number} seq the last event already known */
  constructor(seq) {
    this.seq = seq;
  }

  /** Whether an event is missing: the caller should ask for what came after `seq`. */
  get gap() {
    return this.#waiting.size > 0;
  }

  /**
   * Take events in any order; return those that can be applied now.
   * @param {MeetingEvent[]} events
   * @returns {MeetingEvent[]}
   */
  push(events) {
    for (const event of events) if (event.seq > this.seq) this.#waiting.set(event.seq, event);
    const ready = [];
    for (let next = this.#waiting.get(this.seq + 1); next; next = this.#waiting.get(this.seq + 1)) {
      this.#waiting.delete(next.seq);
      this.seq = next.seq;
      ready.push(next);
    }
    return ready;
  }
}
