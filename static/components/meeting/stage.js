import { t } from "../../i18n.js";
import { Attention } from "../../models/attention.js";
import { arrange, capacity, GAP, gridFor } from "../../models/layout.js";
import { demandOf, keyOf } from "../../models/wants.js";
import { ScreenShareOff } from "../../vendor/icons.mjs";
import { html, nothing, repeat } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { PictureWatch } from "./picture-watch.js";
import "./tile.js";

/** @import { Area, Arrangement } from "../../models/layout.js" */
/** @import { Meeting } from "../../models/meeting.js" */
/** @import { Source } from "../../models/shapes.js" */
/** @import { MeetingSession } from "./session.js" */
/** @import { Tile } from "./tile.js" */

/**
 * Everything that is seen of a meeting: one large picture when there is one, and everybody's tiles.
 *
 * It fits the space it gets and never scrolls; it tells the session what is on screen and how large, and only that is
 * sent.
 * Sends `everybody` when the person asks for those who did not fit.
 */
export class Stage extends DcElement {
  static properties = {
    session: { attribute: false },
    revision: { type: Number },
    area: { state: true },
    pinned: { state: true },
  };
  /** @type {ResizeObserver | null} */
  #observer = null;
  #pictures = new PictureWatch(() => this.requestUpdate());
  #attention = new Attention(() => this.requestUpdate());
  /** @type {Arrangement} */
  #arrangement = { stage: null, tiles: [], hidden: 0 };

  constructor() {
    super();
    /** @type {MeetingSession | null} */
    this.session = null;
    this.revision = 0;
    /** @type {Area} */
    this.area = { width: 0, height: 0 };
    /** @type {string | null} */
    this.pinned = null;
  }

  firstUpdated() {
    const tiles = /** @type {HTMLElement} */ (this.querySelector(".stage-tiles"));
    this.#observer = new ResizeObserver(([entry]) => this.#measured(entry.contentRect));
    this.#observer.observe(tiles);
  }

  connectedCallback() {
    super.connectedCallback();
    const look = () => this.#attention.set(document.hidden);
    document.addEventListener("visibilitychange", look, { signal: this.connection });
    look();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer?.disconnect();
    this.#pictures.close();
    this.#attention.close();
  }

  /** @param {DOMRectReadOnly} rect */
  #measured({ width, height }) {
    this.area = { width: Math.floor(width), height: Math.floor(height) };
  }

  willUpdate() {
    const meeting = this.session?.meeting;
    if (meeting) this.#arrangement = this.#arrange(meeting);
  }

  /** @param {Meeting} meeting */
  #arrange(meeting) {
    const { selfId, speakers } = /** @type {MeetingSession} */ (this.session);
    const view = { selfId, pinned: this.pinned, limit: capacity(this.area), recent: speakers.recent };
    return arrange(meeting, view);
  }

  updated() {
    const { session } = this;
    if (!session?.meeting || this.area.width === 0) return;
    this.#place();
    this.#pictures.follow([...this.querySelectorAll("dc-tile")].map(placeOf));
    const { sizes } = this.#pictures;
    const view = { selfId: session.selfId, sizes, watching: this.#attention.watching };
    session.want(demandOf(session.meeting, this.#arrangement, view));
  }

  /** The sizes go in by the style object: the page allows no style in its text. */
  #place() {
    const { stage, tiles, hidden } = this.#arrangement;
    const upright = !stage && this.area.height > this.area.width;
    const { columns, width, height } = gridFor(tiles.length + (hidden > 0 ? 1 : 0), this.area, { upright });
    const grid = /** @type {HTMLElement} */ (this.querySelector(".stage-grid"));
    grid.style.setProperty("--tile-width", `${width}px`);
    grid.style.setProperty("--tile-height", `${height}px`);
    grid.style.setProperty("inline-size", `${columns * width + (columns - 1) * GAP}px`);
  }

  render() {
    const { stage, tiles, hidden } = this.#arrangement;
    return html`
      <div class="stage ${stage ? "with-main" : ""}">
        ${stage ? this.#main(stage.participant_id, stage.source) : nothing}
        <div class="stage-tiles">
          <div class="stage-grid">
            ${repeat(
              tiles,
              (one) => one.id,
              (one) => this.#tile(one.id, "camera"),
            )}
            ${hidden > 0 ? this.#more(hidden) : nothing}
          </div>
        </div>
      </div>
    `;
  }

  /** @param {string} id @param {Source} source */
  #main(id, source) {
    const own = id === this.session?.selfId && source === "screen";
    const content = own ? this.#ownScreen() : this.#tile(id, source);
    return html`<div class="stage-main">${repeat([{ participant_id: id, source }], keyOf, () => content)}</div>`;
  }

  /** One's own screen is not shown to oneself: it would show itself in itself without end. */
  #ownScreen() {
    return html`
      <div class="own-screen">
        <p>${t("meeting.sharing_own_screen")}</p>
        <button type="button" class="button" @click=${() => void this.session?.stopSharing()}>
          ${icon(ScreenShareOff)} ${t("meeting.share.stop")}
        </button>
      </div>
    `;
  }

  /** @param {string} id @param {Source} source */
  #tile(id, source) {
    const session = /** @type {MeetingSession} */ (this.session);
    const meeting = /** @type {Meeting} */ (session.meeting);
    return html`
      <dc-tile .participant=${meeting.participants.get(id)} .source=${source} .stream=${session.streamOf(id, source)}
        .own=${id === session.selfId} .speaking=${session.speakers.speaking.has(id)}
        .hand=${meeting.hands.indexOf(id) + 1} .pinned=${this.pinned === id}
        .line=${session.quality.get(id) ?? null} .ownLine=${session.quality.get(session.selfId) ?? null}
        @pin=${(/** @type {CustomEvent} */ event) => this.#pin(event.detail)}></dc-tile>
    `;
  }

  /** @param {string | null} id */
  #pin(id) {
    this.pinned = id;
  }

  /** @param {number} hidden */
  #more(hidden) {
    return html`
      <button type="button" class="stage-more" @click=${() => this.dispatchEvent(new Event("everybody"))}>
        ${t("meeting.more_people", { count: hidden })}
      </button>
    `;
  }
}

/** @param {Element} element */
function placeOf(element) {
  const { participant, source } = /** @type {Tile} */ (element);
  return { element, key: keyOf({ participant_id: participant?.id ?? "", source }) };
}

customElements.define("dc-stage", Stage);
