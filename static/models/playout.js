/** Requests a packet from which on repair is a part of the life of this line. */
const LOSSY = 0.02;
/** Beyond the round trip: until a gap is noticed, and for another try at a tenth of loss, ms. */
const FIRST_MS = 80;
const PER_REQUEST_MS = 1200;
/** Whoever waits longer than this speaks at cross purposes, ms. */
const MOST_MS = 500;
/** Steps, so that the sound is not stretched and squeezed all the time, ms. */
const STEP_MS = 50;
/** So many calm looks in a row before the wait becomes shorter. */
const CALM_LOOKS = 8;

/** @typedef {{target: number, calm: number}} Buffer `target` in ms, 0 for what the browser thinks best */

/**
 * How long to wait before playing, after a second in which so much was asked for again.
 * @param {Buffer} before
 * @param {number} asked requests for repair for each packet that came
 * @param {number} roundTrip ms
 * @returns {Buffer}
 */
export function bufferFor(before, asked, roundTrip) {
  const target = asked < LOSSY ? 0 : stepped(roundTrip + FIRST_MS + PER_REQUEST_MS * asked);
  if (target >= before.target) return { target, calm: 0 };
  const calm = before.calm + 1;
  if (calm < CALM_LOOKS) return { target: before.target, calm };
  const less = before.target - STEP_MS;
  return { target: target === 0 && less < 2 * STEP_MS ? 0 : Math.max(target, less), calm: CALM_LOOKS - 1 };
}

/** @param {number} wait ms */
function stepped(wait) {
  return Math.min(MOST_MS, Math.ceil(wait / STEP_MS) * STEP_MS);
}
