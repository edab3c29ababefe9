import { post } from "../../api.js";
import { t } from "../../i18n.js";
import { Plus } from "../../vendor/icons.mjs";
import { createRef, html, nothing, ref } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { failure } from "../parts.js";

/** Asks for the title of a new meeting and makes it. Opened by the event `ask`; answers with `created`, detail `{id}`. */
export class NewMeeting extends DcElement {
  static properties = { busy: { state: true }, refused: { state: true } };

  constructor() {
    super();
    this.busy = false;
    this.refused = "";
    /** @type {import("lit/directives/ref.js").Ref<HTMLDialogElement>} */
    this.dialog = createRef();
  }

  connectedCallback() {
    super.connectedCallback();
    this.addEventListener("ask", () => this.#ask(), { signal: this.connection });
  }

  #ask() {
    this.refused = "";
    this.dialog.value?.showModal();
  }

  render() {
    return html`
      <dialog ${ref(this.dialog)} aria-labelledby="new-meeting">
        <form @submit=${this.#submit}>
          <h2 id="new-meeting">${t("home.new_meeting")}</h2>
          ${this.refused ? failure(this.refused) : nothing}
          <div class="field">
            <label for="title">${t("home.title")}</label>
            <input id="title" name="title" maxlength="500" required autocomplete="off" aria-describedby="title-hint" />
            <p id="title-hint" class="hint">${t("home.title_hint")}</p>
          </div>
          <div class="actions">
            <button type="button" class="button" @click=${() => this.dialog.value?.close()}>${t("common.cancel")}</button>
            <button class="button primary" ?disabled=${this.busy}>${icon(Plus)} ${t("home.create")}</button>
          </div>
        </form>
      </dialog>
    `;
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    this.busy = true;
    this.refused = "";
    try {
      this.#done(form, await post("/api/v1/meetings", { title: String(new FormData(form).get("title")) }));
    } catch (error) {
      this.refused = /** @type {Error} */ (error).message;
    }
    this.busy = false;
  }

  /**
   * Closed before it is told: closing gives the focus back, and whoever hears of the meeting may want to move it.
   * @param {HTMLFormElement} form
   * @param {{ id: string }} meeting
   */
  #done(form, { id }) {
    form.reset();
    this.dialog.value?.close();
    this.dispatchEvent(new CustomEvent("created", { detail: { id } }));
  }
}

customElements.define("dc-new-meeting", NewMeeting);
