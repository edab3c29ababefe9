/**
 * Light or dark: what the system says, until the person chooses; then that, on this device.
 *
 * The page is not painted before this module has run (`blocking="render"`), so the choice never flashes in late.
 */
const KEY = "diemcau.theme";

/** @typedef {"light" | "dark"} Theme */

/** @returns {Theme} what is shown now. */
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** @param {Theme} value */
export function setTheme(value) {
  document.documentElement.dataset.theme = value;
  remember(value);
}

/** @param {Theme} value */
function remember(value) {
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // A browser that keeps nothing still shows the choice until the page is left.
  }
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

const choice = remembered();
if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
