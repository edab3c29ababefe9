/**
 * Who is shown, and who is shown large: pure choices, fed with what can be seen and heard.
 */

/** @typedef {import("./timeline.js").Cue} Cue */
/** @typedef {{ key: string, participantId: string, name: string, source: string, videos: Cue[], shown: boolean }} Tile
 *   `videos` are the files of this picture at hand; a person who is only heard has none */

// Root mean square of a voice near a microphone; rooms with a fan stay below it.
const VOICE = 0.015;
// Nobody is made large for a cough.
const TAKE_MS = 600;

/** Follows who speaks, slowly enough to watch. */
export class SpeakerPicker {
  /** @type {string | null} */
  speaker = null;
  /** @type {string | null} */
  #loudest = null;
  #since = 0;

  /**
   * @param {Map<string, number>} levels loudness by participant, 0 to 1
   * @param {number} now
   * @returns {string | null} the participant who speaks, or spoke last
   */
  hear(levels, now) {
    const loudest = loudestOf(levels);
    if (loudest !== this.#loudest) this.#since = now;
    this.#loudest = loudest;
    const settled = this.speaker === null || now - this.#since >= TAKE_MS;
    if (loudest !== null && settled) this.speaker = loudest;
    return this.speaker;
  }
}

/** @param {Map<string, number>} levels */
function loudestOf(levels) {
  let best = /** @type {string | null} */ (null);
  let most = VOICE;
  for (const [participant, level] of levels) if (level > most) [best, most] = [participant, level];
  return best;
}

/**
 * The tile to show large: the pinned one; else the shared screen; else who speaks; else the one shown so far.
 * @param {Tile[]} all
 * @param {{ pinned: string | null, speaker: string | null, previous: string | null }} wish tile keys, and a participant
 * @returns {string | null} a tile's key
 */
export function mainTile(all, { pinned, speaker, previous }) {
  const shown = all.filter((tile) => tile.shown);
  const choices = [
    shown.find(({ key }) => key === pinned),
    shown.find(({ source }) => source === "screen"),
    shown.find(({ participantId, source }) => participantId === speaker && source === "camera"),
    shown.find(({ key }) => key === previous),
    shown.find(hasPicture),
    shown[0],
  ];
  return choices.find((tile) => tile !== undefined)?.key ?? null;
}

/** @param {Tile} tile */
export function hasPicture({ videos }) {
  return videos.some(({ active, missing }) => active && !missing);
}

/**
 * One tile for each person and each shared screen, in the steady order of the cues; not `shown` while it only waits.
 * @param {Cue[]} cues
 * @returns {Tile[]}
 */
export function tiles(cues) {
  /** @type {Map<string, Tile>} */
  const result = new Map();
  for (const cue of cues.filter(({ file }) => file.source !== "screen_audio")) {
    const tile = tileOf(cue, result);
    if (cue.file.kind === "video") tile.videos.push(cue);
    tile.shown ||= cue.active;
  }
  return [...result.values()];
}

/**
 * @param {Cue} cue
 * @param {Map<string, Tile>} made
 */
function tileOf({ file }, made) {
  const source = file.source === "screen" ? "screen" : "camera";
  const key = `${file.participant_id}/${source}`;
  const { participant_id: participantId, participant_name: name } = file;
  const tile = made.get(key) ?? { key, participantId, name, source, videos: [], shown: false };
  made.set(key, tile);
  return tile;
}
