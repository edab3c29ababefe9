/** @import { Arrangement } from "./layout.js" */
/** @import { Meeting } from "./meeting.js" */
/** @import { Sizes } from "./picture-sizes.js" */
/** @import { Demand, TrackRef, Want } from "./shapes.js" */

/** Through how many slots those are heard who are not on screen: more voices at once nobody understands. */
const SPEAKER_SLOTS = 5;

/**
 * Everything this browser needs now: of what can be seen only what is on screen, as large as it is there; the voices
 * of those by name, so that lips and voice stay in step; of all the others the loudest.
 *
 * A muted track stays wanted, so that its slot waits for it and the sound is there with the first word.
 *
 * @param {Meeting} meeting
 * @param {Arrangement} arrangement
 * @param {{selfId: string, sizes: Sizes, watching: boolean}} view `sizes` has no entry for what is out of view;
 *   without `watching` nobody looks, and only sound is wanted
 * @returns {Demand}
 */
export function demandOf(meeting, arrangement, { selfId, sizes, watching }) {
  const others = [...meeting.participants.values()].filter((one) => one.id !== selfId);
  const heard = others.filter((one) => isPlaced(arrangement, one.id) && one.publishes("microphone"));
  const shared = others.filter((one) => one.publishes("screen_audio"));
  const seen = watching ? seenOf(meeting, arrangement, sizes) : [];
  return {
    tracks: [
      ...heard.map(({ id }) => ref(id, "microphone")),
      ...shared.map(({ id }) => ref(id, "screen_audio")),
      ...seen.filter(({ participant_id }) => participant_id !== selfId),
    ],
    speakers: arrangement.hidden > 0 ? SPEAKER_SLOTS : 0,
  };
}

/** @param {Demand} a @param {Demand} b */
export function sameDemand(a, b) {
  return (
    a.speakers === b.speakers &&
    a.tracks.length === b.tracks.length &&
    a.tracks.every((want, index) => sameWant(want, b.tracks[index]))
  );
}

/** One text for a participant's track. @param {{participant_id: string, source: string}} track */
export function keyOf(track) {
  return `${track.participant_id}/${track.source}`;
}

/** @param {Meeting} meeting @param {Arrangement} arrangement @param {Sizes} sizes @returns {Want[]} */
function seenOf(meeting, { stage, tiles }, sizes) {
  const shown = [...(stage ? [stage] : []), ...tiles.map(({ id }) => ref(id, "camera"))];
  return shown.flatMap((track) => {
    const size = sizes.get(keyOf(track));
    return size && publishes(meeting, track) ? [{ ...track, ...size }] : [];
  });
}

/** On the stage or on a tile, whether in view or not. @param {Arrangement} arrangement @param {string} id */
function isPlaced({ stage, tiles }, id) {
  return stage?.participant_id === id || tiles.some((one) => one.id === id);
}

/** @param {Want} a @param {Want} b */
function sameWant(a, b) {
  return keyOf(a) === keyOf(b) && a.width === b.width && a.height === b.height;
}

/** @param {Meeting} meeting @param {TrackRef} track */
function publishes(meeting, track) {
  return meeting.participants.get(track.participant_id)?.publishes(track.source) ?? false;
}

/** @param {string} id @param {import("./shapes.js").Source} source @returns {TrackRef} */
function ref(id, source) {
  return { participant_id: id, source };
}
