/**
 * What a recording holds, and which of its files matter at a moment. Times are milliseconds on the recording's own
 * zero, the same for every file.
 */

/** One hole, or a stretch with several: `missing_ms` of it are missing, all of it where that is not said.
 * @typedef {{ start_ms: number, end_ms: number, reason: string, missing_ms?: number }} Gap */
/** @typedef {{ name: string, participant_id: string, participant_name: string, source: string,
 *   kind: "audio" | "video", codec: string, start_ms: number, end_ms: number, duration_ms: number, size: number,
 *   sha256: string, gaps: Gap[], url: string }} MediaFile */
/** @typedef {{ start: number, end: number }} Span */
/** @typedef {{ file: MediaFile, active: boolean, position: number, missing: boolean }} Cue */

// A file is fetched and put in place this long before it is needed, so that it starts without a pause.
const AHEAD_MS = 8_000;

// A picture that stands still for longer is not shown: it would be taken for the present.
const MISSING_MS = 1_000;

/**
 * The files to have at hand at a moment: those that play (`active`), and those to stand ready at `position`. A
 * picture is `missing` while its file has a hole; sound files hold silence there. The order is that of `files`,
 * whatever the moment: an element that moves in the page would stop playing.
 * @param {MediaFile[]} files
 * @param {number} at
 * @returns {Cue[]}
 */
export function cues(files, at) {
  return files
    .filter((file) => file.start_ms - AHEAD_MS <= at && at < file.end_ms)
    .map((file) => cue(file, at));
}

/**
 * @param {MediaFile} file
 * @param {number} at
 * @returns {Cue}
 */
function cue(file, at) {
  const hole = file.gaps.find(({ start_ms, end_ms }) => at >= start_ms && at < end_ms);
  return {
    file,
    active: at >= file.start_ms,
    position: Math.max(at, file.start_ms),
    missing: hole !== undefined && isWhole(hole) && missingMs(hole) >= MISSING_MS,
  };
}

/** @param {Gap} gap */
export function missingMs({ start_ms, end_ms, missing_ms }) {
  return missing_ms ?? end_ms - start_ms;
}

/**
 * Whether nothing at all is there between its ends.
 * @param {Gap} gap
 */
export function isWhole(gap) {
  return missingMs(gap) === gap.end_ms - gap.start_ms;
}

// The first picture comes a moment after the chair's click: nobody wants to open a recording on a black page.
const OPENING_MS = 3_000;

/**
 * The moment on which a recording opens: its first picture, or sound, when that comes soon.
 * @param {MediaFile[]} files
 */
export function opening(files) {
  const pictures = files.filter(({ kind }) => kind === "video");
  const first = Math.min(...(pictures.length ? pictures : files).map(({ start_ms }) => start_ms));
  return first <= OPENING_MS ? first : 0;
}

/**
 * The files in a steady order: by person, then source, then time.
 * @param {MediaFile[]} files
 */
export function ordered(files) {
  const key = (/** @type {MediaFile} */ file) => `${file.participant_id} ${file.source}`;
  return [...files].sort((a, b) => key(a).localeCompare(key(b)) || a.start_ms - b.start_ms);
}

/**
 * Where to go on when the moment lies in a pause of the recording; null outside of one.
 * @param {Span[]} pauses
 * @param {number} at
 */
export function pauseEnd(pauses, at) {
  return pauses.find(({ start, end }) => at >= start && at < end)?.end ?? null;
}
