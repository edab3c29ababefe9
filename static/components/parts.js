/**
 * Small pieces of page that several elements show.
 */
import { t } from "../i18n.js";
import { Check, Info, Loader, TriangleAlert } from "../vendor/icons.mjs";
import { html, nothing } from "../vendor/lit.mjs";
import { icon } from "./icon.js";

/** What is shown while an answer is awaited. */
export function loading() {
  return html`<p class="waiting" role="status">${icon(Loader, "spinner")} ${t("common.loading")}</p>`;
}

/**
 * @param {string} message a sentence to show
 * @param {(() => void) | null} [retry]
 */
export function failure(message, retry = null) {
  return html`
    <div class="notice danger" role="alert">
      ${icon(TriangleAlert)}
      <p class="grow">${message}</p>
      ${retry ? html`<button type="button" class="button" @click=${retry}>${t("common.retry")}</button>` : nothing}
    </div>
  `;
}

/**
 * @param {string} message
 * @param {"ok" | "warning" | ""} [tone]
 */
export function notice(message, tone = "") {
  const symbol = { ok: Check, warning: TriangleAlert, "": Info }[tone];
  return html`<div class="notice ${tone}" role="status">${icon(symbol)}<p class="grow">${message}</p></div>`;
}

/** Asks for the next page of a list. @param {() => unknown} act */
export function showMore(act) {
  return html`<p class="more"><button type="button" class="button" @click=${act}>${t("common.show_more")}</button></p>`;
}

/**
 * Let whoever reads a list go on at its entry `index`, though the button that brought it is gone.
 * @param {Element} page
 * @param {number} index
 */
export function focusEntry(page, index) {
  const entry = /** @type {HTMLElement | undefined} */ (page.querySelectorAll(".rows > li")[index]);
  entry?.setAttribute("tabindex", "-1");
  entry?.focus();
}

/**
 * @param {import("./icon.js").IconNode} symbol
 * @param {string} title
 * @param {string} text
 */
export function emptyState(symbol, title, text) {
  return html`
    <div class="empty">
      ${icon(symbol)}
      <h2>${title}</h2>
      <p>${text}</p>
    </div>
  `;
}
