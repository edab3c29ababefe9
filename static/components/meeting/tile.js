import { initials } from "../../format.js";
import { t } from "../../i18n.js";
import { FrameWatch } from "../../media/frame-watch.js";
import { qualityOf } from "../../models/quality.js";
import { Building2, Hand, MicOff, Pin, ShieldCheck, WifiOff } from "../../vendor/icons.mjs";
import { classMap, html, nothing } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { qualityMark } from "./quality-mark.js";

/** @import { Participant } from "../../models/participant.js" */
/** @import { Link, Source } from "../../models/shapes.js" */

/**
 * One picture of one participant, with the name and the marks on it; initials where there is no picture. A camera's
 * picture that stands still gives way to them too, with a word why; a screen's last picture can still be read.
 *
 * Sends `pin` when the person wants this one large, or not any more.
 */
export class Tile extends DcElement {
  static properties = {
    participant: { attribute: false },
    source: {},
    stream: { attribute: false },
    own: { type: Boolean },
    speaking: { type: Boolean },
    hand: { type: Number },
    pinned: { type: Boolean },
    line: { attribute: false },
    ownLine: { attribute: false },
    still: { state: true },
  };
  /** @type {FrameWatch | null} */
  #frames = null;
  /** @type {HTMLVideoElement | null} */
  #watched = null;

  constructor() {
    super();
    /** @type {Participant | null} */
    this.participant = null;
    /** @type {Source} */
    this.source = "camera";
    /** @type {MediaStream | null} */
    this.stream = null;
    this.own = false;
    this.speaking = false;
    /** Place in the order of raised hands, from 1; 0 for none. */
    this.hand = 0;
    this.pinned = false;
    /** How this participant's line fares. @type {Link | null} */
    this.line = null;
    /** How the line of who looks at it fares. @type {Link | null} */
    this.ownLine = null;
    this.still = false;
  }

  updated() {
    const video = this.own || this.source !== "camera" ? null : this.querySelector("video");
    if (video !== this.#watched) this.#watch(video);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#watch(null);
  }

  /** @param {HTMLVideoElement | null} video */
  #watch(video) {
    this.#frames?.close();
    this.#watched = video;
    this.still = false;
    this.#frames = video && new FrameWatch(video, (still) => this.#stand(still));
  }

  /** @param {boolean} still */
  #stand(still) {
    this.still = still;
  }

  render() {
    const { participant } = this;
    if (!participant) return nothing;
    const { speaking, still } = this;
    const classes = { tile: true, speaking, still, lost: !participant.connected };
    return html`
      <figure class=${classMap(classes)}>
        ${this.source === "camera" ? this.#face(participant) : nothing} ${this.#picture(participant)}
        ${still && participant.connected ? html`<p class="tile-still">${t(this.#why())}</p>` : nothing}
        ${this.#marks(participant)}
        <figcaption class="caption">${this.#caption(participant)}</figcaption>
        ${this.source === "camera" ? this.#pinButton(participant) : nothing}
      </figure>
    `;
  }

  /** @param {Participant} participant */
  #picture(participant) {
    const shown = this.own ? this.stream !== null : participant.sends(this.source);
    if (!shown) return nothing;
    return html`
      <video data-participant-id=${participant.id} data-source=${this.source} .srcObject=${this.stream}
        .muted=${true} autoplay playsinline aria-label=${t(`meeting.picture.${this.source}`, { name: participant.name })}
        class=${this.own && this.source === "camera" ? "mirrored" : ""}></video>
    `;
  }

  /** @param {Participant} participant */
  #face(participant) {
    const content = participant.kind === "room" ? icon(Building2) : initials(participant.name);
    return html`<span class="tile-face" aria-hidden="true">${content}</span>`;
  }

  /** The picture's own sender may be the cause, or the line here, which the person here may be able to mend. */
  #why() {
    const own = this.ownLine && qualityOf(this.ownLine);
    const weak = own && (own.reason === "bandwidth" || own.bars <= 2);
    return weak ? "meeting.picture.line_weak" : "meeting.picture.none_comes";
  }

  /** @param {Participant} participant */
  #marks(participant) {
    return html`
      <div class="tile-marks">
        ${
          this.hand > 0
            ? html`<span class="tile-hand" title=${t("meeting.hand_raised")}>${icon(Hand)}${this.hand}</span>`
            : nothing
        }
        ${
          participant.connected
            ? nothing
            : html`<span class="tile-lost">${icon(WifiOff)}${t("meeting.connection_lost")}</span>`
        }
      </div>
    `;
  }

  /** The role stands beside the name with a sign of its own: no name can pretend to it. @param {Participant} participant */
  #caption(participant) {
    const silent = this.source === "camera" && !participant.sends("microphone");
    return html`
      ${silent ? html`<span class="tile-muted" role="img" aria-label=${t("meeting.muted")}>${icon(MicOff)}</span>` : nothing}
      <bdi>${participant.name}</bdi>
      ${this.own ? html`<span>(${t("meeting.oneself")})</span>` : nothing}
      ${this.source === "screen" ? html`<span>${t("meeting.screen")}</span>` : nothing}
      ${
        participant.role === "chair"
          ? html`<span class="tile-role">${icon(ShieldCheck)}${t("meeting.role.chair")}</span>`
          : nothing
      }
      ${this.source === "camera" && participant.connected ? qualityMark(this.line) : nothing}
    `;
  }

  /** @param {Participant} participant */
  #pinButton(participant) {
    const label = t(this.pinned ? "meeting.unpin" : "meeting.pin", { name: participant.name });
    return html`
      <button type="button" class="tile-pin" aria-pressed=${this.pinned} aria-label=${label} title=${label}
        @click=${() => this.dispatchEvent(new CustomEvent("pin", { detail: this.pinned ? null : participant.id }))}>
        ${icon(Pin)}
      </button>
    `;
  }
}

customElements.define("dc-tile", Tile);
