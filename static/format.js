/**
 * Dates, times, lengths, sizes and names as Vietnamese offices write them: dd/MM/yyyy, 24 hours, the hour of Hà Nội wherever
 * the reader sits. Only the decimal mark follows the language.
 */
import { language } from "./i18n.js";

const ZONE = "Asia/Ho_Chi_Minh";
const DATE = new Intl.DateTimeFormat("en-GB", {
  timeZone: ZONE,
  day: "2-digit",
  month: "2-digit",
  year: "numeric",
});
const TIME = new Intl.DateTimeFormat("en-GB", {
  timeZone: ZONE,
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** @param {string} iso a UTC time, ISO 8601 */
export function date(iso) {
  return DATE.format(new Date(iso));
}

/** @param {string} iso a UTC time, ISO 8601 */
export function time(iso) {
  return TIME.format(new Date(iso));
}

/**
 * A place in a recording, or its length: `4:05`, `1:02:03`.
 * @param {number} ms
 */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * A number with one decimal at most: `12,4`.
 * @param {number} value
 */
export function decimal(value) {
  return new Intl.NumberFormat(language(), { maximumFractionDigits: 1 }).format(value);
}

/**
 * A size in powers of 1,000: `12,4 MB`.
 * @param {number} bytes
 */
export function size(bytes) {
  const step = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${decimal(bytes / 1000 ** step)} ${UNITS[step]}`;
}

// What people write behind their name: “Lê Văn Bình – Sở Nội vụ”, “Lê Văn Bình (Sở Nội vụ)”.
const UNIT = /\s[–—-]\s|[,(]/;
const WORD = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu;

/**
 * The first letters of a person's last two names, by which Vietnamese names are told apart; the unit is left out.
 * @param {string} name
 */
export function initials(name) {
  const [person] = name.normalize().split(UNIT);
  const words = person.match(WORD) ?? name.match(WORD) ?? ["?"];
  return words.slice(-2).map(firstLetter).join("");
}

/** @param {string} word */
function firstLetter(word) {
  return String.fromCodePoint(word.codePointAt(0) ?? 0).toLocaleUpperCase("vi");
}

/**
 * A codec as its makers write it: `Opus`, `VP8`.
 * @param {string} codec as in the recording's list
 */
export function codecName(codec) {
  return codec.toLowerCase() === "opus" ? "Opus" : codec.toUpperCase();
}
