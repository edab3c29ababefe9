import { clock } from "../../format.js";
import { t } from "../../i18n.js";
import { html } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";

/** @import { MeetingClock } from "../../models/clock.js" */

/** How long the meeting has been running, by the server's clock. */
export class ClockFace extends DcElement {
  static properties = { clock: { attribute: false }, since: {}, seconds: { state: true } };

  constructor() {
    super();
    /** @type {MeetingClock | null} */
    this.clock = null;
    /** @type {string | null} */
    this.since = null;
    this.seconds = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    const timer = setInterval(() => this.#tick(), 500);
    this.connection.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  willUpdate() {
    this.#tick();
  }

  #tick() {
    this.seconds = this.clock?.secondsSince(this.since) ?? 0;
  }

  render() {
    return html`<span class="clock" role="timer" aria-label=${t("meeting.clock")}>${clock(this.seconds * 1000)}</span>`;
  }
}

customElements.define("dc-meeting-clock", ClockFace);
