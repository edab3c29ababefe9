/**
 * Every string a person reads comes from here: one catalogue per language, merged by the server.
 */

/** @typedef {"vi" | "en"} Language */
/** @typedef {Record<string, string | number>} Params */

export const LANGUAGES = /** @type {const} */ (["vi", "en"]);
const KEY = "diemcau.lang";

/** @type {Language} */
let current = "vi";
/** @type {Record<string, string>} */
let catalogue = {};

/** Tells `change` after the language has changed; elements draw themselves anew. */
export const languageChanges = new EventTarget();

/** @returns {Language} */
export function language() {
  return current;
}

/**
 * The text for a key, `{name}` replaced from `params`.
 *
 * With a number `count` the key may name a family (`home.recordings.one`, `.other`), chosen by the language's plural
 * rules. A key that is missing is shown as it is: better a strange word on the screen than no screen.
 * @param {string} key
 * @param {Params} [params]
 */
export function t(key, params = {}) {
  return fill(find(key, params.count) ?? key, params);
}

/** @param {string} key */
export function hasText(key) {
  return Object.hasOwn(catalogue, key);
}

/**
 * @param {string} key
 * @param {string | number | undefined} count
 */
function find(key, count) {
  if (typeof count !== "number") return catalogue[key];
  const form = new Intl.PluralRules(current).select(count);
  return catalogue[`${key}.${form}`] ?? catalogue[`${key}.other`] ?? catalogue[key];
}

/**
 * @param {string} text
 * @param {Params} params
 */
function fill(text, params) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = params[name];
    return value === undefined ? whole : shown(value);
  });
}

/** @param {string | number} value */
function shown(value) {
  return typeof value === "number" ? new Intl.NumberFormat(current).format(value) : value;
}

/**
 * Take a language into use.
 * @param {Language} lang
 * @param {Record<string, string>} texts
 */
export function useCatalogue(lang, texts) {
  current = lang;
  catalogue = texts;
  languageChanges.dispatchEvent(new Event("change"));
}

/**
 * Fetch a language and show it; remembered on this device.
 * @param {Language} lang
 */
export async function setLanguage(lang) {
  const response = await fetch(`/locales/${lang}.json`);
  if (!response.ok) throw new Error(`catalogue ${lang}: ${response.status}`);
  const texts = await response.json();
  remember(lang);
  document.documentElement.lang = lang;
  useCatalogue(lang, texts);
}

/** Show the language the address asks for (`?lang=`), or the one chosen before, or Vietnamese. */
export async function loadLanguage() {
  await setLanguage(asLanguage(new URLSearchParams(location.search).get("lang")) ?? remembered() ?? "vi");
}

/**
 * @param {string | null} value
 * @returns {Language | undefined}
 */
function asLanguage(value) {
  return LANGUAGES.find((lang) => lang === value);
}

/** @param {Language} lang */
function remember(lang) {
  try {
    localStorage.setItem(KEY, lang);
  } catch {
    // Without storage the language lasts until the page is left.
  }
}

function remembered() {
  try {
    return asLanguage(localStorage.getItem(KEY));
  } catch {
    return undefined;
  }
}
