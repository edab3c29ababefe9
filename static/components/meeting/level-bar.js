import { t } from "../../i18n.js";
import { barOf, LevelMeter } from "../../media/level-meter.js";
import { html } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";

/** A bar that moves with a microphone track: what it hears, it shows. */
export class LevelBar extends DcElement {
  static properties = { track: { attribute: false } };
  /** @type {LevelMeter | null} */
  #meter = null;
  #frame = 0;

  constructor() {
    super();
    /** @type {MediaStreamTrack | null} */
    this.track = null;
  }

  render() {
    return html`<div class="level-bar" role="img" aria-label=${t("join.level")}><span></span></div>`;
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has("track")) this.#start();
  }

  connectedCallback() {
    super.connectedCallback();
    if (this.hasUpdated) this.#start();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#stop();
  }

  #start() {
    this.#stop();
    if (!this.track) return this.#show(0);
    this.#meter = new LevelMeter(this.track);
    this.#draw();
  }

  #stop() {
    cancelAnimationFrame(this.#frame);
    this.#meter?.close();
    this.#meter = null;
  }

  #draw() {
    this.#show(barOf(this.#meter?.level() ?? 0));
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** @param {number} share 0..1 */
  #show(share) {
    /** @type {HTMLElement | null} */
    const bar = this.querySelector(".level-bar > span");
    bar?.style.setProperty("scale", `${share.toFixed(3)} 1`);
  }
}

customElements.define("dc-level-bar", LevelBar);
