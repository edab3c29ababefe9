import { t } from "../../i18n.js";
import { ChevronRight, FileText, Film } from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";

/** @import { Hint } from "../../models/shapes.js" */

/** @type {{hint: Hint, symbol: import("../icon.js").IconNode}[]} */
const CHOICES = [
  { hint: "detail", symbol: FileText },
  { hint: "motion", symbol: Film },
];

/** What is shared, letters or a film: the small button beside the one that shares. Sends `choose` (detail: Hint). */
export class ShareChoice extends DcElement {
  static properties = { hint: {}, open: { state: true } };

  constructor() {
    super();
    /** @type {Hint} */
    this.hint = "detail";
    this.open = false;
  }

  connectedCallback() {
    super.connectedCallback();
    document.addEventListener("pointerdown", (event) => this.#elsewhere(event), { signal: this.connection });
  }

  render() {
    const label = t("meeting.share.options");
    return html`
      <div class="share-choice" @keydown=${this.#key} @focusout=${this.#left}>
        <button type="button" class="control share-more" aria-label=${label} title=${label}
          aria-expanded=${this.open} @click=${this.#toggle}>${icon(ChevronRight)}</button>
        ${this.open ? this.#menu(label) : nothing}
      </div>
    `;
  }

  /** @param {string} label */
  #menu(label) {
    return html`
      <fieldset class="share-menu">
        <legend>${label}</legend>
        ${CHOICES.map(
          ({ hint, symbol }) => html`
            <label>
              <input type="radio" name="share-hint" value=${hint} .checked=${hint === this.hint}
                @change=${() => this.#choose(hint)} />
              ${icon(symbol)}
              <span>${t(`meeting.share.${hint}`)}<small>${t(`meeting.share.${hint}_hint`)}</small></span>
            </label>
          `,
        )}
      </fieldset>
    `;
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (!changed.has("open") || !this.open) return;
    /** @type {HTMLInputElement | null} */
    const chosen = this.querySelector(`input[value="${this.hint}"]`);
    chosen?.focus();
  }

  #toggle() {
    this.open = !this.open;
  }

  /** @param {Hint} hint */
  #choose(hint) {
    this.dispatchEvent(new CustomEvent("choose", { detail: hint }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Escape" || !this.open) return;
    event.stopPropagation();
    this.open = false;
    this.querySelector("button")?.focus();
  }

  /** @param {FocusEvent} event */
  #left({ relatedTarget }) {
    if (relatedTarget instanceof Node && !this.contains(relatedTarget)) this.open = false;
  }

  /** @param {Event} event */
  #elsewhere({ target }) {
    if (target instanceof Node && !this.contains(target)) this.open = false;
  }
}

customElements.define("dc-share-choice", ShareChoice);
