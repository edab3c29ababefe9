import { initials } from "../../format.js";
import { t } from "../../i18n.js";
import { hasPicture, mainTile, SpeakerPicker, tiles } from "../../player/director.js";
import { SoundLevels } from "../../player/levels.js";
import { opening } from "../../player/timeline.js";
import { Loader, Monitor, Pin, Play, TriangleAlert } from "../../vendor/icons.mjs";
import { classMap, html, nothing, repeat } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import "./player-controls.js";

/** @typedef {import("../../player/director.js").Tile} Tile */

const STEP_MS = 5_000;

/** Keys that move through the recording, wherever on the page one is, except where one types. */
const KEYS = /** @type {Record<string, (player: Player) => void>} */ ({
  " ": (player) => player.toggle(),
  ArrowLeft: (player) => player.engine?.skip(-STEP_MS),
  ArrowRight: (player) => player.engine?.skip(STEP_MS),
  Home: (player) => player.engine?.seek(0),
  End: (player) => player.engine?.seek(player.engine.durationMs),
});

/** All pictures and sounds of a recording, played together: one picture large, the others below it. */
export class Player extends DcElement {
  static properties = {
    engine: { attribute: false },
    pauses: { attribute: false },
    files: { attribute: false },
    pinned: { state: true },
    main: { state: true },
    held: { state: true },
    started: { state: true },
    volume: { state: true },
  };

  #sound = new SoundLevels();
  #picker = new SpeakerPicker();

  constructor() {
    super();
    /** @type {import("../../player/engine.js").PlayerEngine | null} */
    this.engine = null;
    /** @type {import("../../player/timeline.js").Span[]} */
    this.pauses = [];
    /** @type {import("../../player/timeline.js").MediaFile[]} */
    this.files = [];
    /** @type {string | null} */
    this.pinned = null;
    /** @type {string | null} */
    this.main = null;
    this.held = false;
    /** Whether it has ever been played: until then the big button is there. */
    this.started = false;
    this.volume = 1;
  }

  connectedCallback() {
    super.connectedCallback();
    const { connection: signal } = this;
    this.engine?.addEventListener("change", () => this.requestUpdate(), { signal });
    this.engine?.addEventListener("tick", () => this.#listen(), { signal });
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.engine?.start();
    this.engine?.seek(opening(this.files));
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.engine?.stop();
    this.#sound.close();
  }

  updated() {
    const media = /** @type {NodeListOf<HTMLMediaElement>} */ (this.querySelectorAll("[data-file]"));
    for (const element of media) element.volume = this.volume;
    this.engine?.adopt(media);
  }

  async toggle() {
    this.#sound.wake();
    this.engine?.toggle();
    this.requestUpdate();
    if (this.started) return;
    this.started = true;
    await this.updateComplete;
    /** @type {HTMLElement | null} */ (this.querySelector("button.play"))?.focus({ preventScroll: true });
  }

  #listen() {
    const engine = this.engine;
    if (!engine) return;
    this.held = engine.held && engine.playing;
    const speaker = this.#picker.hear(this.#levels(), engine.now());
    this.main = mainTile(tiles(engine.cues), { pinned: this.pinned, speaker, previous: this.main });
  }

  #levels() {
    const voices = /** @type {NodeListOf<HTMLAudioElement>} */ (
      this.querySelectorAll("audio[data-source=microphone]")
    );
    const playing = [...voices].filter((element) => !element.paused);
    return new Map(
      playing.map((element) => [element.dataset.participantId ?? "", this.#sound.level(element)]),
    );
  }

  render() {
    const engine = this.engine;
    if (!engine) return nothing;
    const all = tiles(engine.cues);
    return html`
      <section class="player" aria-label=${t("archive.player")}>
        <div class="player-stage">
          ${repeat(
            all,
            ({ key }) => key,
            (tile) => this.#tile(tile),
          )}
          ${all.some(({ shown }) => shown) ? nothing : html`<p class="player-empty">${t("archive.nothing_here")}</p>`}
          ${this.#veil()}
        </div>
        <div hidden>${repeat(this.#sounds(engine), ({ file }) => file.name, sound)}</div>
        <dc-player-controls .engine=${engine} .pauses=${this.pauses} .files=${this.files} .volume=${this.volume}
          @toggle=${this.toggle} @volume=${this.#setVolume} @fullscreen=${this.#fullscreen}></dc-player-controls>
      </section>
    `;
  }

  /** @param {import("../../player/engine.js").PlayerEngine} engine */
  #sounds(engine) {
    return engine.cues.filter(({ file }) => file.kind === "audio");
  }

  /** @param {Tile} tile */
  #tile(tile) {
    const main = tile.key === this.main;
    const pinned = tile.key === this.pinned;
    const label = t(pinned ? "archive.unpin" : "archive.pin", { name: tile.name });
    return html`
      <figure class=${classMap({ "player-tile": true, main, offstage: !tile.shown, screen: tile.source === "screen" })}>
        ${repeat(tile.videos, ({ file }) => file.name, video)}
        ${hasPicture(tile) ? nothing : html`<span class="initials" aria-hidden="true">${initials(tile.name)}</span>`}
        <figcaption class="caption">${tile.source === "screen" ? icon(Monitor) : nothing}<bdi>${tile.name}</bdi>${this.#trouble(tile)}</figcaption>
        <button type="button" class="pin" title=${label} aria-label=${label} aria-pressed=${pinned}
          @click=${() => this.#pin(tile.key)}>${pinned ? icon(Pin) : nothing}</button>
      </figure>
    `;
  }

  /** @param {Tile} tile */
  #trouble({ participantId }) {
    return this.engine?.troubled(participantId)
      ? html`${icon(TriangleAlert)} ${t("archive.cannot_play")}`
      : nothing;
  }

  #veil() {
    if (this.held)
      return html`<p class="veil" role="status">${icon(Loader, "spinner")} ${t("archive.buffering")}</p>`;
    if (this.started) return nothing;
    return html`
      <button type="button" class="big-play" @click=${this.toggle} aria-label=${t("archive.play")}>${icon(Play)}</button>
    `;
  }

  /** @param {string} key */
  #pin(key) {
    this.pinned = this.pinned === key ? null : key;
    this.#listen();
  }

  /** @param {CustomEvent<number>} event */
  #setVolume(event) {
    this.volume = event.detail;
  }

  #fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.querySelector(".player")?.requestFullscreen();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {Element} */ (event.target);
    const action = KEYS[event.key];
    if (!action || event.altKey || event.ctrlKey || event.metaKey || takes(target, event.key)) return;
    event.preventDefault();
    action(this);
  }
}

/**
 * Whether the element under the focus has its own use for a key.
 * @param {Element} target
 * @param {string} key
 */
function takes(target, key) {
  if (target.closest("input:not([type=range]), textarea, select, .volume")) return true;
  return key === " " && target.closest("button, a, summary") !== null;
}

/** @param {import("../../player/timeline.js").Cue} cue */
function video({ file, active, missing }) {
  return html`
    <video class=${active && !missing ? "" : "offstage"} data-participant-id=${file.participant_id} data-source=${file.source}
      data-file=${file.name} src=${file.url} preload="auto" .muted=${true} playsinline disablepictureinpicture></video>
  `;
}

/** @param {import("../../player/timeline.js").Cue} cue */
function sound({ file }) {
  return html`
    <audio data-participant-id=${file.participant_id} data-source=${file.source} data-file=${file.name}
      src=${file.url} preload="auto"></audio>
  `;
}

customElements.define("dc-player", Player);
