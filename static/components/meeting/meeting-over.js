import { get } from "../../api.js";
import { t } from "../../i18n.js";
import { Film, LogIn, PhoneOff } from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import "../app-header.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { minutesLinks } from "../minutes-links.js";

/** @typedef {"meeting_ended" | "left" | "removed" | "replaced" | "refused"} Ending */

/** Endings after which the same seat can be taken again. @type {readonly Ending[]} */
const RETURNABLE = ["left", "replaced", "refused"];

/** The page after a meeting: why it is over here, and where to go now. Sends `return` to go back in. */
export class MeetingOver extends DcElement {
  static properties = {
    ending: {},
    heading: {},
    message: {},
    records: {},
    returnable: { type: Boolean },
    recordings: { state: true },
  };

  constructor() {
    super();
    /** @type {Ending} */
    this.ending = "left";
    this.heading = "";
    /** What the server said about it, if anything. */
    this.message = "";
    /** The meeting whose minutes and recordings one may see now. */
    this.records = "";
    /** Whether there is a meeting to go back to. */
    this.returnable = false;
    /** @type {{ id: string }[]} */
    this.recordings = [];
  }

  connectedCallback() {
    super.connectedCallback();
    if (this.records) void this.#findRecordings();
  }

  async #findRecordings() {
    const path = `/api/v1/recordings?meeting=${this.records}`;
    const found = await get(path, { signal: this.connection }).catch(() => null);
    this.recordings = found?.recordings ?? [];
  }

  render() {
    return html`
      <dc-app-header></dc-app-header>
      <main class="over" id="content">
        ${icon(PhoneOff, "over-symbol")}
        <h1 tabindex="-1">${t(`meeting.over.${this.ending}`)}</h1>
        ${this.heading ? html`<p class="over-meeting">${this.heading}</p>` : nothing}
        <p>${this.message || t(`meeting.over.${this.ending}_text`)}</p>
        ${this.records ? this.#afterwards() : html`<div class="actions">${this.#returnButton()} ${toHome()}</div>`}
      </main>
    `;
  }

  #returnButton() {
    if (!this.returnable || !RETURNABLE.includes(this.ending)) return nothing;
    const label = t(this.ending === "replaced" ? "meeting.over.use_here" : "meeting.over.return");
    return html`
      <button type="button" class="button primary" @click=${() => this.dispatchEvent(new Event("return"))}>
        ${icon(LogIn)} ${label}
      </button>
    `;
  }

  #afterwards() {
    const [one, ...others] = this.recordings;
    const address = others.length ? `/archive?meeting=${this.records}` : `/archive/${one?.id}`;
    return html`
      ${one ? html`<a class="button primary" href=${address}>${icon(Film)} ${t("meeting.over.archive")}</a>` : nothing}
      <div class="actions">${minutesLinks(this.records)}</div>
    `;
  }
}

function toHome() {
  return html`<a class="button" href="/">${t("common.to_home")}</a>`;
}

customElements.define("dc-meeting-over", MeetingOver);
