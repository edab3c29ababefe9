import { t } from "../i18n.js";
import { Check, Copy, TriangleAlert } from "../vendor/icons.mjs";
import { html } from "../vendor/lit.mjs";
import { DcElement } from "./element.js";
import { icon } from "./icon.js";

const ANSWER_MS = 2500;
const SYMBOLS = { "": Copy, copied: Check, copy_failed: TriangleAlert };

/** Puts `text` on the clipboard and says whether it did. `label` is the button's word. */
export class CopyButton extends DcElement {
  static properties = { text: {}, label: {}, outcome: { state: true } };

  constructor() {
    super();
    this.text = "";
    this.label = "";
    /** @type {keyof typeof SYMBOLS} */
    this.outcome = "";
  }

  render() {
    return html`
      <button type="button" class="button" @click=${this.#copy}>
        ${icon(SYMBOLS[this.outcome])}
        <span aria-live="polite">${this.outcome ? t(`common.${this.outcome}`) : this.label || t("common.copy")}</span>
      </button>
    `;
  }

  async #copy() {
    this.outcome = (await toClipboard(this.text)) ? "copied" : "copy_failed";
    setTimeout(() => {
      this.outcome = "";
    }, ANSWER_MS);
  }
}

/**
 * Browsers offer the clipboard only over TLS, and may refuse it even there; the old way over a selection still works.
 * @param {string} text
 * @returns {Promise<boolean>} whether it was copied
 */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return bySelection(text);
  }
}

/** @param {string} text */
function bySelection(text) {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}

customElements.define("dc-copy-button", CopyButton);
