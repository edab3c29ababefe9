/** Louder than a quiet room, on the linear 0..1 scale of WebRTC's `audioLevel`. */
const SPEAKING_LEVEL = 0.02;
/** A pause between two words does not end a speech. */
export const HOLD_MS = 900;
/** How many of those who spoke lately are remembered, to keep them on screen. */
const REMEMBERED = 8;

/** Who is speaking, from levels heard several times a second. */
export class Speakers {
  /** @type {Map<string, number>} when each was last heard, ms */
  #heard = new Map();
  /** @type {readonly string[]} who spoke lately, the latest first; the order changes only when somebody begins */
  recent = [];
  /** @type {ReadonlySet<string>} */
  speaking = new Set();

  /**
   * @param {Map<string, number>} levels by participant id
   * @param {number} now ms on any clock that only goes forward
   * @returns {boolean} whether somebody began or ended
   */
  hear(levels, now) {
    for (const [id, level] of levels) if (level >= SPEAKING_LEVEL) this.#heard.set(id, now);
    for (const [id, time] of this.#heard) if (now - time > HOLD_MS) this.#heard.delete(id);
    const speaking = new Set(this.#heard.keys());
    const began = [...speaking].filter((id) => !this.speaking.has(id));
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
