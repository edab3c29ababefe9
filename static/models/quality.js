/** @import { Link } from "./shapes.js" */

/** @typedef {"lost" | "poor" | "fair" | "good" | "excellent"} Level */

/** From which score on a line is called what, the words of the server's own scale. @type {[number, Level][]} */
const LEVELS = [
  [4.5, "excellent"],
  [3.5, "good"],
  [2, "fair"],
  [0.01, "poor"],
];
/** The levels as marks: how many of four bars stand. @type {Record<Level, number>} */
const BARS = { excellent: 4, good: 3, fair: 2, poor: 1, lost: 0 };
/** What there are words for; the server may come to know more reasons. */
const REASONS = new Set(["loss", "delay", "bandwidth"]);

/** @param {Link} link @returns {{level: Level, bars: number, reason: string}} `reason` is empty when none is to be told */
export function qualityOf({ score, reason = "" }) {
  const level = LEVELS.find(([least]) => score >= least)?.[1] ?? "lost";
  return { level, bars: BARS[level], reason: level !== "excellent" && REASONS.has(reason) ? reason : "" };
}
