import { t } from "../../i18n.js";
import { Film, LogIn, PhoneOff } from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import "../app-header.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";

/** @typedef {"meeting_ended" | "left" | "removed" | "replaced" | "refused"} Ending */

/** Endings after which the same seat can be taken again. @type {readonly Ending[]} */
const RETURNABLE = ["left", "replaced", "refused"];

/** The page after a meeting: why it is over here, and where to go now. Sends `return` to go back in. */
export class MeetingOver extends DcElement {
  static properties = { ending: {}, heading: {}, message: {}, archive: {} };

  constructor() {
    super();
    /** @type {Ending} */
    this.ending = "left";
    this.heading = "";
    /** What the server said about it, if anything. */
    this.message = "";
    /** Where the recording and the minutes are, for who may see them. */
    this.archive = "";
  }

  render() {
    return html`
      <dc-app-header></dc-app-header>
      <main class="over">
        ${icon(PhoneOff, "over-symbol")}
        <h1>${t(`meeting.over.${this.ending}`)}</h1>
        ${this.heading ? html`<p class="over-meeting">${this.heading}</p>` : nothing}
        <p>${this.message || t(`meeting.over.${this.ending}_text`)}</p>
        <div class="actions">${this.#returnButton()} ${this.#archiveLink()}</div>
      </main>
    `;
  }

  #returnButton() {
    if (!RETURNABLE.includes(this.ending)) return nothing;
    const label = t(this.ending === "replaced" ? "meeting.over.use_here" : "meeting.over.return");
    return html`
      <button type="button" class="button primary" @click=${() => this.dispatchEvent(new Event("return"))}>
        ${icon(LogIn)} ${label}
      </button>
    `;
  }

  #archiveLink() {
    if (!this.archive) return html`<a class="button" href="/">${t("common.to_home")}</a>`;
    return html`<a class="button primary" href=${this.archive}>${icon(Film)} ${t("meeting.over.archive")}</a>`;
  }
}

customElements.define("dc-meeting-over", MeetingOver);
