/** @import { Heard } from "./shapes.js" */

/** Louder than a quiet room, on the linear 0..1 scale of WebRTC's `audioLevel`. */
const SPEAKING_LEVEL = 0.02;
/** A pause between two words does not end a speech. */
export const HOLD_MS = 900;
/** How many of those who spoke lately are remembered, to keep them on screen. */
const REMEMBERED = 8;

/**
 * Who is speaking: the others as the server tells, which hears also those who are not sent to us, and oneself by
 * one's own microphone, so that a ring shows what that hears.
 */
export class Speakers {
  /** @type {readonly string[]} who spoke lately, the latest first; the order changes only when somebody begins */
  recent = [];
  /** @type {ReadonlySet<string>} */
  speaking = new Set();
  #selfId = "";
  /** When one's own microphone heard something last, ms. */
  #heardAt = Number.NEGATIVE_INFINITY;
  /** @type {readonly string[]} */
  #others = [];

  /** The others who are heard now, the loudest first; none when the server cannot tell. @param {readonly Heard[]} heard @returns {boolean} whether somebody began or ended */
  tell(heard) {
    this.#others = heard.map(({ participant_id }) => participant_id).filter((id) => id !== this.#selfId);
    return this.#compare([...this.#others, ...this.#own()]);
  }

  /**
   * @param {string} selfId
   * @param {number} level of one's own microphone, 0..1
   * @param {number} now ms on any clock that only goes forward
   * @returns {boolean} whether one began or ended
   */
  hear(selfId, level, now) {
    this.#selfId = selfId;
    if (level >= SPEAKING_LEVEL) this.#heardAt = now;
    const own = now - this.#heardAt > HOLD_MS ? [] : [selfId];
    return this.#compare([...this.#others, ...own]);
  }

  #own() {
    return this.speaking.has(this.#selfId) ? [this.#selfId] : [];
  }

  /** @param {string[]} now */
  #compare(now) {
    const speaking = new Set(now);
    const began = now.filter((id) => !this.speaking.has(id));
    const changed = began.length > 0 || speaking.size !== this.speaking.size;
    this.speaking = speaking;
    if (began.length > 0) this.#remember(began);
    return changed;
  }

  /** @param {string[]} began */
  #remember(began) {
    this.recent = [...began, ...this.recent.filter((id) => !began.includes(id))].slice(0, REMEMBERED);
  }
}
