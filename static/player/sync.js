/**
 * How a track that has drifted from the clock is brought back: gently by its speed, or by a jump when it is far off.
 */

// Below this nobody notices (a frame at 25 per second lasts 40 ms); correcting it would only make the sound waver.
const TOLERANCE_MS = 25;
// Above this lips and voice part visibly (ITU-R BT.1359: 125 ms late is the limit of the acceptable).
const JUMP_MS = 150;
// A speed change up to this is not heard as a change of pitch or pace.
const MAX_BEND = 0.05;
// A drift is worn off in about this time.
const RECOVERY_MS = 1000;

/**
 * @param {number} driftMs how far the track is ahead of the clock; negative when it is behind
 * @returns {{ jump: boolean, speed: number }} `speed` multiplies the viewer's rate
 */
export function correction(driftMs) {
  if (Math.abs(driftMs) > JUMP_MS) return { jump: true, speed: 1 };
  if (Math.abs(driftMs) <= TOLERANCE_MS) return { jump: false, speed: 1 };
  const bend = Math.min(Math.max(-driftMs / RECOVERY_MS, -MAX_BEND), MAX_BEND);
  return { jump: false, speed: 1 + bend };
}

/**
 * What to add to an element's `currentTime` to get the recording's time. A file that begins at 5 s is shown as 5 s by
 * Chromium and as 0 s by browsers that count from the first sample; the first `currentTime` after loading tells.
 * @param {number} firstMs `currentTime` after loading, before any seek
 * @param {number} startMs where the file begins in the recording
 */
export function offsetMs(firstMs, startMs) {
  return firstMs < startMs / 2 ? startMs : 0;
}
