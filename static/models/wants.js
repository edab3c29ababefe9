/** @import { Arrangement } from "./layout.js" */
/** @import { Meeting } from "./meeting.js" */
/** @import { Source, Want } from "./shapes.js" */

/** @type {readonly Source[]} */
const HEARD = ["microphone", "screen_audio"];

/**
 * Every track this browser needs now: all that can be heard, and of what can be seen only what is on screen.
 *
 * A muted track stays wanted, so that its slot waits for it and the sound is there with the first word.
 *
 * @param {Meeting} meeting
 * @param {Arrangement} arrangement
 * @param {string} selfId
 * @returns {Want[]}
 */
export function wantsOf(meeting, arrangement, selfId) {
  const others = [...meeting.participants.values()].filter((one) => one.id !== selfId);
  const shown = new Set(arrangement.tiles.map((one) => one.id));
  const wants = others.flatMap((one) => HEARD.filter((source) => one.publishes(source)).map(ref(one.id)));
  const stage = arrangement.stage;
  if (stage && stage.participant_id !== selfId && publishes(meeting, stage)) wants.push(stage);
  const seen = others.filter((one) => shown.has(one.id) && one.publishes("camera"));
  return [...wants, ...seen.map((one) => ref(one.id)("camera"))];
}

/** @param {Want[]} a @param {Want[]} b */
export function sameWants(a, b) {
  return a.length === b.length && a.every((want, index) => keyOf(want) === keyOf(b[index]));
}

/** One text for a participant's track. @param {{participant_id: string, source: string}} track */
export function keyOf(track) {
  return `${track.participant_id}/${track.source}`;
}

/** @param {Meeting} meeting @param {Want} want */
function publishes(meeting, want) {
  return meeting.participants.get(want.participant_id)?.publishes(want.source) ?? false;
}

/** @param {string} id @returns {(source: Source) => Want} */
function ref(id) {
  return (source) => ({ participant_id: id, source });
}
