/**
 * The seat in a meeting that this tab holds. It lives as long as the tab, so that a reload comes straight back to
 * the same seat, and another tab is another participant.
 *
 * @typedef {object} Seat
 * @property {string} token
 * @property {boolean} personal whether it came with a personal link; such a seat is not asked for anew
 * @property {boolean} inside whether this tab was in the meeting when last seen
 * @property {boolean} microphone whether it was on
 * @property {boolean} camera whether it was on
 */

/** @param {string} code */
const keyOf = (code) => `diemcau.seat.${code}`;

/** The seat of a personal link's address, else the one this tab has taken. @param {string} code @param {string} hash @returns {Seat | null} */
export function findSeat(code, hash) {
  const kept = read(code);
  const token = new URLSearchParams(hash.slice(1)).get("t");
  if (!token || kept?.token === token) return kept;
  return { token, personal: true, inside: false, microphone: true, camera: true };
}

/** @param {string} code @param {Seat} seat */
export function keepSeat(code, seat) {
  try {
    sessionStorage.setItem(keyOf(code), JSON.stringify(seat));
  } catch {
    // Without storage a reload asks for the name again, and that is all.
  }
}

/** @param {string} code */
export function forgetSeat(code) {
  try {
    sessionStorage.removeItem(keyOf(code));
  } catch {
    // Nothing was kept, then.
  }
}

/** @param {string} code @returns {Seat | null} */
function read(code) {
  try {
    return JSON.parse(sessionStorage.getItem(keyOf(code)) ?? "null");
  } catch {
    return null;
  }
}
