import { clock } from "../../format.js";
import { t } from "../../i18n.js";
import { Maximize, Pause, Play, SkipBack, SkipForward, Volume2, VolumeX } from "../../vendor/icons.mjs";
import { html, live, nothing } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { marks } from "./marks.js";

const SKIP_MS = 10_000;
const RATES = [0.75, 1, 1.25, 1.5, 2];

/** The bar under the pictures. Tells `toggle`, `volume` (detail 0 to 1) and `fullscreen`; moves the engine itself. */
export class PlayerControls extends DcElement {
  static properties = {
    engine: { attribute: false },
    pauses: { attribute: false },
    files: { attribute: false },
    volume: { attribute: false },
  };

  constructor() {
    super();
    /** @type {import("../../player/engine.js").PlayerEngine | null} */
    this.engine = null;
    /** @type {import("../../player/timeline.js").Span[]} */
    this.pauses = [];
    /** @type {import("../../player/timeline.js").MediaFile[]} */
    this.files = [];
    this.volume = 1;
  }

  connectedCallback() {
    super.connectedCallback();
    this.engine?.addEventListener("tick", () => this.requestUpdate(), { signal: this.connection });
  }

  render() {
    const engine = this.engine;
    if (!engine) return nothing;
    return html`
      <div class="player-controls">
        ${this.#slider(engine)}
        <div class="control-row">${this.#transport(engine)} ${this.#extras(engine)}</div>
      </div>
    `;
  }

  /** @param {import("../../player/engine.js").PlayerEngine} engine */
  #slider(engine) {
    const { at, durationMs } = engine;
    return html`
      <div class="time-line" .style=${`--at: ${at / durationMs}`}>
        <div class="marks">${marks(this.files, this.pauses, durationMs).map(mark)}</div>
        <input type="range" min="0" max=${durationMs} step="100" .value=${live(String(Math.round(at)))}
          aria-label=${t("archive.position")} aria-valuetext=${`${clock(at)} / ${clock(durationMs)}`}
          @input=${this.#seek} />
      </div>
    `;
  }

  /** @param {import("../../player/engine.js").PlayerEngine} engine */
  #transport(engine) {
    const label = t(engine.playing ? "archive.pause" : "archive.play");
    return html`
      ${this.#button(SkipBack, t("archive.back_10"), () => engine.skip(-SKIP_MS))}
      <button type="button" class="icon-button play" aria-label=${label} title=${label} @click=${() => this.#tell("toggle")}>
        ${icon(engine.playing ? Pause : Play)}
      </button>
      ${this.#button(SkipForward, t("archive.forward_10"), () => engine.skip(SKIP_MS))}
      <span class="time">${clock(engine.at)} / ${clock(engine.durationMs)}</span>
    `;
  }

  /** @param {import("../../player/engine.js").PlayerEngine} engine */
  #extras(engine) {
    const silent = this.volume === 0;
    return html`
      <span class="extras">
        ${this.#button(silent ? VolumeX : Volume2, t(silent ? "archive.sound_on" : "archive.sound_off"), () =>
          this.#tell("volume", silent ? 1 : 0),
        )}
        <input class="volume" type="range" min="0" max="1" step="0.05" .value=${live(String(this.volume))}
          aria-label=${t("archive.volume")}
          @input=${(/** @type {Event} */ event) => this.#tell("volume", Number(choice(event)))} />
        <select class="rate" aria-label=${t("archive.rate")}
          @change=${(/** @type {Event} */ event) => engine.setRate(Number(choice(event)))}>
          ${RATES.map((rate) => html`<option value=${rate} ?selected=${rate === engine.rate}>${rateText(rate)}</option>`)}
        </select>
        ${this.#button(Maximize, t("archive.fullscreen"), () => this.#tell("fullscreen"))}
      </span>
    `;
  }

  /**
   * @param {import("../icon.js").IconNode} symbol
   * @param {string} label
   * @param {() => void} action
   */
  #button(symbol, label, action) {
    return html`
      <button type="button" class="icon-button quiet" aria-label=${label} title=${label} @click=${action}>
        ${icon(symbol)}
      </button>
    `;
  }

  /** @param {Event} event */
  #seek(event) {
    this.engine?.seek(Number(choice(event)));
  }

  /**
   * @param {string} name
   * @param {number} [detail]
   */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** @param {Event} event */
function choice(event) {
  return /** @type {HTMLInputElement | HTMLSelectElement} */ (event.target).value;
}

/** @param {number} rate */
function rateText(rate) {
  return t("archive.rate_value", { rate });
}

/** @param {import("./marks.js").Mark} mark */
function mark({ tone, title, from, width }) {
  return html`<span class="mark ${tone}" title=${title} .style=${`--from: ${from}; --width: ${width}`}></span>`;
}

customElements.define("dc-player-controls", PlayerControls);
