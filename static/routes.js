/** @typedef {"home" | "sign-in" | "setup" | "archive" | "missing" | "meeting" | "recording"} Page */
/** @typedef {{ page: Page, code?: string, id?: string }} Route */

/** @type {[RegExp, (match: string[]) => Route][]} */
const ROUTES = [
  [/^\/$/, () => ({ page: "home" })],
  [/^\/sign-in\/?$/, () => ({ page: "sign-in" })],
  [/^\/setup\/?$/, () => ({ page: "setup" })],
  [/^\/m\/([\w-]+)\/?$/, ([, code]) => ({ page: "meeting", code })],
  [/^\/archive\/?$/, () => ({ page: "archive" })],
  [/^\/archive\/([\w-]+)\/?$/, ([, id]) => ({ page: "recording", id })],
];

/**
 * The page that belongs to an address.
 * @param {string} pathname
 * @returns {Route}
 */
export function route(pathname) {
  for (const [pattern, make] of ROUTES) {
    const match = pattern.exec(pathname);
    if (match) return make(match);
  }
  return { page: "missing" };
}

/**
 * Whether a page is only for who is signed in.
 * @param {Route} asked
 */
export function needsUser({ page }) {
  return page === "home" || page === "archive" || page === "recording";
}

/**
 * Whether a page asks who is signed in before it is shown. A meeting learns it from its link, so that a guest is not
 * refused anything; at the first start there is nobody.
 * @param {Route} asked
 */
export function showsUser({ page }) {
  return page !== "meeting" && page !== "setup";
}

/**
 * The meeting code in what a person typed or pasted: the whole link, or the code with spaces or in capitals.
 * @param {string} typed
 * @returns {string | null} null when there is none
 */
export function meetingCode(typed) {
  const text = typed.trim();
  const inLink = /\/m\/([\w-]+)/.exec(text);
  const code = (inLink ? inLink[1] : text).toLowerCase().replace(/[\s-]+/g, "-");
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(code) ? code : null;
}
