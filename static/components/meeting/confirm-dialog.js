import { t } from "../../i18n.js";
import { html } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";

/** Asks once more before something that cannot be taken back. Sends `confirm`. */
export class ConfirmDialog extends DcElement {
  static properties = { heading: {}, text: {}, action: {} };

  constructor() {
    super();
    this.heading = "";
    this.text = "";
    this.action = "";
  }

  /** Ask. */
  open() {
    this.#dialog().showModal();
  }

  #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  render() {
    return html`
      <dialog aria-labelledby="confirm-heading" @close=${this.#closed}>
        <form method="dialog">
          <h2 id="confirm-heading">${this.heading}</h2>
          <p>${this.text}</p>
          <div class="actions">
            <button type="submit" class="button" value="no" autofocus>${t("common.cancel")}</button>
            <button type="submit" class="button danger" value="yes">${this.action}</button>
          </div>
        </form>
      </dialog>
    `;
  }

  #closed() {
    const dialog = this.#dialog();
    if (dialog.returnValue === "yes") this.dispatchEvent(new Event("confirm"));
    dialog.returnValue = "";
  }
}

customElements.define("dc-confirm-dialog", ConfirmDialog);
