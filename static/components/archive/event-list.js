import { clock } from "../../format.js";
import { t } from "../../i18n.js";
import { currentEntry } from "../../player/story.js";
import {
  Circle,
  CircleStop,
  Hand,
  LogIn,
  LogOut,
  MessageSquare,
  Pause,
  Play,
  ScreenShare,
  ScreenShareOff,
  TriangleAlert,
} from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";

/** @typedef {import("../../player/story.js").Entry} Entry */

/** @type {Record<string, import("../icon.js").IconNode>} */
const SYMBOLS = {
  ParticipantJoined: LogIn,
  ParticipantLeft: LogOut,
  HandRaised: Hand,
  ChatSent: MessageSquare,
  TrackPublished: ScreenShare,
  TrackUnpublished: ScreenShareOff,
  RecordingPaused: Pause,
  RecordingResumed: Play,
  RecordingInterrupted: TriangleAlert,
  MeetingEnded: CircleStop,
};

/** What happened, beside the pictures; a click goes to the moment. The current entry is kept in sight. */
export class EventList extends DcElement {
  static properties = {
    engine: { attribute: false },
    entries: { attribute: false },
    current: { state: true },
  };

  constructor() {
    super();
    /** @type {import("../../player/engine.js").PlayerEngine | null} */
    this.engine = null;
    /** @type {Entry[]} */
    this.entries = [];
    this.current = -1;
  }

  connectedCallback() {
    super.connectedCallback();
    this.engine?.addEventListener("tick", () => this.#follow(), { signal: this.connection });
  }

  #follow() {
    this.current = currentEntry(this.entries, this.engine?.at ?? 0);
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    const list = this.querySelector("ol");
    const entry = /** @type {HTMLElement | null} */ (this.querySelector("[aria-current]"));
    if (!changed.has("current") || !list || !entry || list.matches(":hover, :focus-within")) return;
    list.scrollTop = entry.offsetTop - list.clientHeight / 3;
  }

  render() {
    return html`
      <section class="events" aria-labelledby="events-title">
        <h2 id="events-title">${t("archive.events")}</h2>
        ${
          this.entries.length
            ? html`<ol>${this.entries.map((entry, i) => this.#entry(entry, i === this.current))}</ol>`
            : html`<p class="events-empty">${t("archive.no_events")}</p>`
        }
      </section>
    `;
  }

  /**
   * @param {Entry} entry
   * @param {boolean} current
   */
  #entry(entry, current) {
    return html`
      <li>
        <button type="button" class="event" aria-current=${current ? "true" : nothing}
          @click=${() => this.engine?.seek(entry.at)}>
          <time>${clock(entry.at)}</time> ${icon(SYMBOLS[entry.type] ?? Circle)}
          <span>${t(`archive.event_${entry.type}`, { name: entry.name })}${said(entry)}</span>
        </button>
      </li>
    `;
  }
}

/** @param {Entry} entry */
function said({ text }) {
  return text ? html`<q>${text}</q>` : nothing;
}

customElements.define("dc-event-list", EventList);
