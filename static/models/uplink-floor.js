/** Loss from which on a sender's own estimate falls without end, and below which it needs no help. */
const LOSSY = 0.2;
const CALM = 0.12;
/** So many looks in a row before anything changes; a change costs a negotiation. */
const LOOKS = 2;
const CALM_LOOKS = 10;
/** A queue that grows by so much says that the line is too narrow: then loss is ours to mend, ms. */
const QUEUE_MS = 150;
/** More loss than this, while we do not fall below the floor, is ours: over so many looks it is not chance. */
const MORE_LOSS = 0.15;
const SURE_LOOKS = 5;

/** @typedef {{lost: number, roundTrip: number}} Look share of packets lost, and ms, of the last second */

/**
 * Whether a sender may be kept from giving way to loss: where much is lost and no queue grows, the line loses packets
 * whatever is sent (radio), and sending next to nothing mends nothing.
 */
export class UplinkFloor {
  held = false;
  #least = Number.POSITIVE_INFINITY;
  #lossy = 0;
  #calm = 0;
  /** What was lost at first since the rate is held, and last. @type {number[]} */
  #losses = [];
  #refuted = false;

  /** Take a look in. @param {Look} look @returns {boolean} whether `held` has changed */
  look({ lost, roundTrip }) {
    this.#least = Math.min(this.#least, roundTrip);
    const queued = roundTrip - this.#least > QUEUE_MS;
    this.#lossy = lost >= LOSSY && !queued ? this.#lossy + 1 : 0;
    this.#calm = lost < CALM ? this.#calm + 1 : 0;
    const before = this.held;
    if (before) this.held = this.#stillHolds(lost, queued);
    else this.held = this.#lossy >= LOOKS && !this.#refuted;
    if (this.held && !before) this.#losses = [];
    if (this.#calm >= CALM_LOOKS) this.#refuted = false;
    return this.held !== before;
  }

  /** @param {number} lost @param {boolean} queued */
  #stillHolds(lost, queued) {
    this.#losses.push(lost);
    if (this.#losses.length > 2 * SURE_LOOKS) this.#losses.splice(SURE_LOOKS, 1);
    const [first, last] = [this.#losses.slice(0, SURE_LOOKS), this.#losses.slice(-SURE_LOOKS)];
    this.#refuted = queued || mean(last) > mean(first) + MORE_LOSS;
    return !this.#refuted && this.#calm < CALM_LOOKS;
  }
}

/** @param {number[]} numbers */
function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
