import { t } from "../../i18n.js";
import { Loader, LogIn, User } from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import "../app-header.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { failure } from "../parts.js";
import { deviceChoice } from "./device-choice.js";
import { deviceTroubles } from "./device-troubles.js";
import "./level-bar.js";
import { deviceToggle } from "./toggles.js";

/** @import { Kind, LocalMedia } from "../../media/local-media.js" */

/** The longest name the server takes, in characters. */
const MAX_NAME_LENGTH = 100;
/** @type {readonly Kind[]} */
const KINDS = ["microphone", "camera"];

/**
 * Before the meeting: see oneself, hear whether one is heard, choose devices, say who one is.
 *
 * Sends `enter` (detail: {name}). A device in trouble never bars the way: who has none can still listen.
 */
export class DeviceCheck extends DcElement {
  static properties = {
    local: { attribute: false },
    heading: {},
    name: {},
    named: { type: Boolean },
    busy: { type: Boolean },
    problem: {},
    nameMissing: { state: true },
  };

  constructor() {
    super();
    /** @type {LocalMedia | null} */
    this.local = null;
    this.heading = "";
    this.name = "";
    /** Whether the name is settled already, by a personal link. */
    this.named = false;
    this.busy = false;
    this.problem = "";
    this.nameMissing = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.local?.addEventListener("change", () => this.requestUpdate(), { signal: this.connection });
  }

  render() {
    const { local } = this;
    if (!local) return nothing;
    return html`
      <dc-app-header></dc-app-header>
      <main class="check" id="content">
        <section class="check-picture" aria-label=${t("join.check")}>
          ${this.#preview(local)} ${this.#sound(local)} ${deviceTroubles(local, { entering: true })}
        </section>
        ${this.#form(local)}
      </main>
    `;
  }

  /** @param {LocalMedia} local */
  #preview({ camera, microphone }) {
    const stream = camera.track ? this.#streamOf(camera.track) : null;
    return html`
      <div class="preview">
        ${
          stream
            ? html`<video class="mirrored" .srcObject=${stream} .muted=${true} autoplay playsinline
                aria-label=${t("join.own_picture")}></video>`
            : this.#noPicture(camera.opening || microphone.opening)
        }
        <div class="preview-controls">${KINDS.map((kind) => deviceToggle(/** @type {LocalMedia} */ (this.local), kind))}</div>
      </div>
    `;
  }

  /** @param {boolean} opening */
  #noPicture(opening) {
    if (!opening)
      return html`<p class="preview-empty">${icon(User)}<span>${t("join.camera_is_off")}</span></p>`;
    return html`<p class="preview-empty" role="status">${icon(Loader, "spinner")}<span>${t("join.opening")}</span></p>`;
  }

  /** @param {LocalMedia} local */
  #sound({ microphone }) {
    const on = microphone.on && microphone.track;
    return html`
      <div class="check-sound">
        <dc-level-bar .track=${on ? microphone.track : null}></dc-level-bar>
        <p>${t(on ? "join.speak_to_test" : "join.microphone_is_off")}</p>
      </div>
    `;
  }

  /** @param {LocalMedia} local */
  #form(local) {
    return html`
      <form class="check-form" novalidate @submit=${this.#enter}>
        <div class="check-title">
          <p>${t("join.title")}</p>
          <h1 tabindex="-1">${this.heading}</h1>
        </div>
        ${this.problem ? failure(this.problem) : nothing} ${this.#nameField()}
        <button type="submit" class="button primary check-enter" ?disabled=${this.busy}>
          ${icon(this.busy ? Loader : LogIn, this.busy ? "spinner" : "")}
          ${t(this.busy ? "join.entering" : "join.enter")}
        </button>
        <p class="check-hint">${t("join.secrets")}</p>
        <div class="check-devices">${deviceChoice(local)}</div>
      </form>
    `;
  }

  #nameField() {
    if (this.named) return html`<p class="notice">${icon(User)} ${t("join.name_personal")}</p>`;
    return html`
      <div class="field">
        <label for="join-name">${t("join.name")}</label>
        <input id="join-name" name="name" autocomplete="name" maxlength=${MAX_NAME_LENGTH} .value=${this.name}
          placeholder=${t("join.name_example")} aria-invalid=${this.nameMissing}
          aria-describedby="join-name-hint" />
        <span id="join-name-hint" class=${this.nameMissing ? "error" : "hint"}>
          ${t(this.nameMissing ? "join.name_missing" : "join.name_hint")}
        </span>
      </div>
    `;
  }

  /** @param {SubmitEvent} event */
  #enter(event) {
    event.preventDefault();
    /** @type {HTMLInputElement | null} */
    const input = this.querySelector("#join-name");
    if (input) this.name = input.value.trim();
    this.nameMissing = !this.named && this.name === "";
    if (this.nameMissing) return input?.focus();
    this.dispatchEvent(new CustomEvent("enter", { detail: { name: this.name } }));
  }

  /** @type {MediaStream | null} */
  #stream = null;

  /** The same stream for the same track, so that drawing anew does not start the picture anew. @param {MediaStreamTrack} track */
  #streamOf(track) {
    if (this.#stream?.getTracks()[0] !== track) this.#stream = new MediaStream([track]);
    return this.#stream;
  }
}

customElements.define("dc-device-check", DeviceCheck);
