/** @import { Meeting } from "./meeting.js" */
/** @import { Participant } from "./participant.js" */
/** @import { TrackRef } from "./shapes.js" */

/** Space between tiles, px; the sheets use the same. */
export const GAP = 8;
/** A tile narrower or lower than this shows no face any more, px. */
const SMALLEST_TILE = { width: 150, height: 84 };
/** A tile's shape lies between these, so that faces are not cut away. */
const WIDEST = 16 / 9;
const NARROWEST = 4 / 3;
/** On a telephone held upright, tiles may stand upright too. */
const NARROWEST_UPRIGHT = 3 / 4;

/**
 * @typedef {{columns: number, rows: number, width: number, height: number}} Grid
 * @typedef {{width: number, height: number}} Area
 */

/**
 * The grid that gives `count` tiles the largest pictures in an area.
 * @param {number} count
 * @param {Area} area
 * @param {{upright?: boolean}} [shape] whether tiles may be higher than wide
 * @returns {Grid}
 */
export function gridFor(count, area, { upright = false } = {}) {
  const narrowest = upright ? NARROWEST_UPRIGHT : NARROWEST;
  const columns = Array.from({ length: Math.max(1, count) }, (_, index) => index + 1);
  const grids = columns.map((number) => gridOf(number, count, area, narrowest));
  return grids.reduce((best, grid) => (surface(grid) > surface(best) ? grid : best));
}

/** How many tiles an area can show at most, one at least. @param {Area} area */
export function capacity(area) {
  const columns = Math.floor((area.width + GAP) / (SMALLEST_TILE.width + GAP));
  const rows = Math.floor((area.height + GAP) / (SMALLEST_TILE.height + GAP));
  return Math.max(1, columns) * Math.max(1, rows);
}

/** @param {number} columns @param {number} count @param {Area} area @param {number} narrowest @returns {Grid} */
function gridOf(columns, count, area, narrowest) {
  const rows = Math.max(1, Math.ceil(count / columns));
  const cell = {
    width: (area.width - GAP * (columns - 1)) / columns,
    height: (area.height - GAP * (rows - 1)) / rows,
  };
  const width = Math.max(0, Math.floor(Math.min(cell.width, cell.height * WIDEST)));
  const height = Math.max(0, Math.floor(Math.min(cell.height, width / narrowest)));
  return { columns, rows, width, height };
}

/** @param {Grid} grid */
function surface(grid) {
  return grid.width * grid.height;
}

/**
 * Who is shown where: on the stage one large picture (a shared screen, else whoever is pinned), beside it, or alone
 * in the grid, everybody.
 *
 * @typedef {{stage: TrackRef | null, tiles: Participant[], hidden: number}} Arrangement
 * @param {Meeting} meeting
 * @param {{selfId: string, pinned?: string | null, limit: number, recent?: readonly string[]}} view
 *   `limit` tiles fit; `recent` spoke lately, the latest first, and are not hidden
 * @returns {Arrangement}
 */
export function arrange(meeting, view) {
  const stage = sharedScreen(meeting) ?? pinnedCamera(meeting, view.pinned);
  const everybody = [...meeting.participants.values()].filter(
    (one) => stage?.source !== "camera" || one.id !== stage.participant_id,
  );
  // When not all fit, the last place is for the word that says so.
  const limit = everybody.length > view.limit ? view.limit - 1 : view.limit;
  const tiles = choose(everybody, { ...view, limit });
  return { stage, tiles, hidden: everybody.length - tiles.length };
}

/** The screen shared last; an earlier one comes back when it ends. @param {Meeting} meeting @returns {TrackRef | null} */
function sharedScreen(meeting) {
  const sharing = [...meeting.participants.values()].filter((one) => one.sends("screen"));
  const latest = sharing.find((one) => one.id === meeting.lastSharing) ?? sharing.at(-1);
  return latest ? { participant_id: latest.id, source: "screen" } : null;
}

/** @param {Meeting} meeting @param {string | null | undefined} pinned @returns {TrackRef | null} */
function pinnedCamera(meeting, pinned) {
  return pinned && meeting.participants.has(pinned) ? { participant_id: pinned, source: "camera" } : null;
}

/**
 * Others in the order of joining, oneself last. When not all fit, oneself stays, then who spoke lately, then who
 * can be seen; places do not move otherwise.
 *
 * @param {Participant[]} everybody
 * @param {{selfId: string, limit: number, recent?: readonly string[]}} view
 */
function choose(everybody, { selfId, limit, recent = [] }) {
  const self = everybody.filter((one) => one.id === selfId);
  const others = everybody.filter((one) => one.id !== selfId);
  const places = Math.max(1, limit) - self.length;
  if (others.length <= places) return [...others, ...self];
  const rank = (/** @type {Participant} */ one) =>
    recent.includes(one.id) ? recent.indexOf(one.id) : recent.length + (one.sends("camera") ? 0 : 1);
  const kept = new Set([...others].sort((a, b) => rank(a) - rank(b)).slice(0, Math.max(0, places)));
  return [...others.filter((one) => kept.has(one)), ...self];
}
