/** @import { Hint } from "../../models/shapes.js" */

/**
 * What a person chose the last time on this computer.
 * @typedef {{name: string, microphone: string, camera: string, speaker: string, share: Hint}} Preferences
 */

const KEY = "diemcau.join";
/** @type {Preferences} */
const NONE = { name: "", microphone: "", camera: "", speaker: "", share: "detail" };

/** @returns {Preferences} */
export function preferences() {
  try {
    return { ...NONE, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return NONE;
  }
}

/** @param {Partial<Preferences>} changes */
export function prefer(changes) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...preferences(), ...changes }));
  } catch {
    // Without storage it is asked again the next time.
  }
}
