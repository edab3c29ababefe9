/** @import { BoundSlot } from "./receiver.js" */

/** Often enough for the ring around a picture to seem immediate. */
export const LEVEL_INTERVAL_MS = 250;

/**
 * How loud each participant's microphone is now, 0..1, as played: the decoder's own measure, for a server need not
 * forward the level that senders put into their packets (RFC 6464).
 * @param {RTCStatsReport} report of the receiving connection
 * @param {BoundSlot[]} slots
 */
export function levelsOf(report, slots) {
  const owners = new Map(microphones(slots).map((slot) => [slot.mid, slot.participant_id]));
  /** @type {Map<string, number>} */
  const levels = new Map();
  report.forEach((entry) => {
    const owner = entry.type === "inbound-rtp" ? owners.get(entry.mid) : undefined;
    if (owner !== undefined) levels.set(owner, entry.audioLevel ?? 0);
  });
  return levels;
}

/** @param {BoundSlot[]} slots */
function microphones(slots) {
  return slots.filter((slot) => slot.source === "microphone");
}
