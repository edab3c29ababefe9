/** @import { Role } from "./shapes.js" */

/**
 * Which controls a role is shown, in the words of the server's own table. The server decides what is allowed; this
 * only spares people buttons that would be refused.
 *
 * @typedef {"publish" | "raise_hand" | "chat" | "lower_others_hand" | "mute_others" | "record" | "end_meeting"} Action
 */

/** @type {Action[]} */
const TAKES_PART = ["publish", "raise_hand", "chat"];

/** @type {Record<Role, ReadonlySet<Action>>} */
const ALLOWED = {
  chair: new Set([...TAKES_PART, "lower_others_hand", "mute_others", "record", "end_meeting"]),
  secretary: new Set([...TAKES_PART, "lower_others_hand"]),
  operator: new Set([...TAKES_PART, "mute_others"]),
  delegate: new Set(TAKES_PART),
  guest: new Set(),
};

/** @param {Role | undefined} role @param {Action} action */
export function may(role, action) {
  return role !== undefined && (ALLOWED[role]?.has(action) ?? false);
}
