import { clock, decimal } from "../../format.js";
import { hasText, t } from "../../i18n.js";
import { isWhole, missingMs } from "../../player/timeline.js";

/** @typedef {import("../../player/timeline.js").MediaFile} MediaFile */
/** @typedef {import("../../player/timeline.js").Gap} Gap */
/** @typedef {{ tone: "pause" | "gap", title: string, from: number, width: number }} Mark shares of the whole length */

// Shorter holes are too narrow to see on the line; the list of files has them all.
const VISIBLE_MS = 1_000;
// Who is muted, or sends nothing, is not missed; a pause of the recording has a mark of its own.
const EXPECTED = new Set(["muted", "paused", "not_sent"]);

/**
 * What the time line shows besides the position: pauses of the recording, and what is missing of whom.
 * @param {MediaFile[]} files
 * @param {import("../../player/timeline.js").Span[]} pauses
 * @param {number} durationMs
 * @returns {Mark[]}
 */
export function marks(files, pauses, durationMs) {
  const share = (/** @type {number} */ start, /** @type {number} */ end) => ({
    from: start / durationMs,
    width: (end - start) / durationMs,
  });
  const paused = pauses.map(({ start, end }) => mark("pause", pauseTitle(start, end), share(start, end)));
  const missing = files.flatMap((file) =>
    seen(file).map((gap) => mark("gap", gapTitle(file, gap), share(gap.start_ms, gap.end_ms))),
  );
  return [...paused, ...missing];
}

/**
 * @param {Mark["tone"]} tone
 * @param {string} title
 * @param {{ from: number, width: number }} share
 * @returns {Mark}
 */
function mark(tone, title, share) {
  return { tone, title, ...share };
}

/** @param {MediaFile} file */
function seen({ gaps }) {
  return gaps.filter((gap) => missingMs(gap) >= VISIBLE_MS && !EXPECTED.has(gap.reason));
}

/**
 * @param {number} start
 * @param {number} end
 */
function pauseTitle(start, end) {
  return t("archive.mark_pause", { from: clock(start), to: clock(end) });
}

/**
 * @param {MediaFile} file
 * @param {Gap} gap
 */
function gapTitle(file, gap) {
  return `${file.participant_name}, ${t(`archive.source_${file.source}`)}: ${gapText(gap)}`;
}

/**
 * A hole in a file in words: where, how long, why.
 * @param {Gap} gap
 */
export function gapText(gap) {
  const { start_ms, end_ms, reason } = gap;
  const key = `archive.gap_${reason}`;
  const why = hasText(key) ? t(key) : t("archive.gap_other");
  const seconds = decimal(missingMs(gap) / 1_000);
  return t(isWhole(gap) ? "archive.gap" : "archive.gaps", {
    from: clock(start_ms),
    to: clock(end_ms),
    seconds,
    why,
  });
}
