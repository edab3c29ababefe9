import { t } from "../i18n.js";
import { Check, Copy } from "../vendor/icons.mjs";
import { html } from "../vendor/lit.mjs";
import { DcElement } from "./element.js";
import { icon } from "./icon.js";

const THANKS_MS = 2500;

/** Puts `text` on the clipboard and says that it did. `label` is the button's word. */
export class CopyButton extends DcElement {
  static properties = { text: {}, label: {}, copied: { state: true } };

  constructor() {
    super();
    this.text = "";
    this.label = "";
    this.copied = false;
  }

  render() {
    return html`
      <button type="button" class="button" @click=${this.#copy}>
        ${icon(this.copied ? Check : Copy)}
        <span aria-live="polite">${this.copied ? t("common.copied") : this.label || t("common.copy")}</span>
      </button>
    `;
  }

  async #copy() {
    await toClipboard(this.text);
    this.copied = true;
    setTimeout(() => {
      this.copied = false;
    }, THANKS_MS);
  }
}

/**
 * Browsers offer the clipboard only over TLS; on a test line without it, the old way over a selection still works.
 * @param {string} text
 */
async function toClipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

customElements.define("dc-copy-button", CopyButton);
