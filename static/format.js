/**
 * Dates, times, lengths and sizes as Vietnamese offices write them: dd/MM/yyyy, 24 hours, the hour of Hà Nội wherever
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
 * A length in words: `1 giờ 5 phút`, `42 giây`.
 * @param {number} ms
 */
export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return unit(seconds, "second");
  const minutes = Math.round(seconds / 60);
  const parts = [unit(Math.floor(minutes / 60), "hour"), unit(minutes % 60, "minute")];
  if (minutes < 60) return parts[1];
  return minutes % 60 ? parts.join(" ") : parts[0];
}

/**
 * @param {number} value
 * @param {string} name
 */
function unit(value, name) {
  return new Intl.NumberFormat(language(), { style: "unit", unit: name, unitDisplay: "long" }).format(value);
}

/**
 * A size in powers of 1,000: `12,4 MB`.
 * @param {number} bytes
 */
export function size(bytes) {
  const step = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const digits = { maximumFractionDigits: step ? 1 : 0 };
  return `${new Intl.NumberFormat(language(), digits).format(bytes / 1000 ** step)} ${UNITS[step]}`;
}
