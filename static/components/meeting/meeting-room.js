import { sentence } from "../../api.js";
import { t } from "../../i18n.js";
import { DeviceError } from "../../media/devices.js";
import { may } from "../../models/permissions.js";
import { qualityOf } from "../../models/quality.js";
import { Loader, Settings, TriangleAlert, Volume2 } from "../../vendor/icons.mjs";
import { html, nothing, repeat } from "../../vendor/lit.mjs";
import "../copy-button.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import "./chat-panel.js";
import "./confirm-dialog.js";
import "./control-bar.js";
import { deviceChoice } from "./device-choice.js";
import { deviceTroubles } from "./device-troubles.js";
import "./meeting-clock.js";
import "./people-panel.js";
import { qualityMark, qualityWords } from "./quality-mark.js";
import "./sounds.js";
import "./stage.js";

/** @import { Meeting } from "../../models/meeting.js" */
/** @import { Notice } from "../../models/notices.js" */
/** @import { SignallingError } from "../../signalling/errors.js" */
/** @import { ConfirmDialog } from "./confirm-dialog.js" */
/** @import { Panel } from "./control-bar.js" */
/** @import { MeetingSession } from "./session.js" */
/** @import { Sounds } from "./sounds.js" */

/** @typedef {{id: number, text: string, tone: "info" | "warning"}} Toast */

/** Long enough to read two lines. */
const TOAST_MS = 6000;
const TOASTS_AT_MOST = 3;

/** A running meeting: its head, what is seen and heard, the panels, the controls. Sends `leave`. */
export class MeetingRoom extends DcElement {
  static properties = {
    session: { attribute: false },
    revision: { state: true },
    panel: { state: true },
    toasts: { state: true },
    silent: { state: true },
    devicesRead: { state: true },
    /** The recording about which the person has been told. */
    toldOf: { state: true },
  };
  #lastToast = 0;
  /** What had the focus when a panel was opened. @type {Element | null} */
  #opener = null;

  constructor() {
    super();
    /** @type {MeetingSession | null} */
    this.session = null;
    this.revision = 0;
    /** @type {Panel} */
    this.panel = "";
    /** @type {Toast[]} */
    this.toasts = [];
    this.silent = false;
    /** Whether the person has put away what was said about a device that fails. */
    this.devicesRead = false;
    this.toldOf = "";
  }

  connectedCallback() {
    super.connectedCallback();
    const options = { signal: this.connection };
    const listen = (/** @type {string} */ type, /** @type {(detail: any) => void} */ act) =>
      this.session?.addEventListener(
        type,
        (event) => act(/** @type {CustomEvent} */ (event).detail),
        options,
      );
    listen("change", () => this.#changed());
    listen("notice", (notice) => this.#notice(notice));
    listen("refused", (error) => this.#refused(error));
    this.session?.local.addEventListener("change", () => this.#changed(), options);
    this.session?.local.addEventListener("trouble", () => this.#readDevices(false), options);
    void keepAwake(this.connection);
  }

  #changed() {
    if (this.panel === "chat") this.session?.meeting?.chat.markRead();
    this.revision += 1;
  }

  render() {
    const { session } = this;
    const meeting = session?.meeting;
    if (!session || !meeting) return nothing;
    return html`
      <div class="room" @keydown=${this.#key}>
        ${this.#head(session, meeting)}
        <div class="room-banners">${this.#banners(session, meeting)}</div>
        <main class="room-main">
          <dc-stage .session=${session} .revision=${this.revision} @everybody=${() => this.#show("people")}></dc-stage>
          ${this.#panel(session, meeting)}
          <div class="toasts" role="status" aria-live="polite">${repeat(this.toasts, ({ id }) => id, toastOf)}</div>
        </main>
        <dc-control-bar .session=${session} .revision=${this.revision} .panel=${this.panel}
          @panel=${(/** @type {CustomEvent} */ event) => this.#show(event.detail)} @share=${this.#share}
          @leave=${this.#leave} @end=${this.#askToEnd}></dc-control-bar>
        <dc-sounds .slots=${session.sounds} .speakerId=${session.local.speakerId}
          @blocked=${() => this.#silence(true)}></dc-sounds>
        <dc-confirm-dialog .heading=${t("meeting.end_question")} .text=${t("meeting.end_text")}
          .action=${t("meeting.end")} @confirm=${() => void session.command("end_meeting")}></dc-confirm-dialog>
        ${this.#settings(session)}
      </div>
    `;
  }

  /** @param {MeetingSession} session @param {Meeting} meeting */
  #head(session, meeting) {
    const label = t("meeting.devices");
    return html`
      <header class="room-head">
        <h1 tabindex="-1"><bdi>${meeting.title}</bdi></h1>
        ${this.#recordingMark(meeting)}
        <dc-meeting-clock .clock=${session.clock} .since=${meeting.startedAt}></dc-meeting-clock>
        <div class="room-tools">
          ${this.#line(session)}
          <dc-copy-button .text=${`${location.origin}/m/${meeting.code}`} .label=${t("meeting.copy_link")}></dc-copy-button>
          <button type="button" class="icon-button" aria-label=${label} title=${label} @click=${this.#openSettings}>
            ${icon(Settings)}
          </button>
        </div>
      </header>
    `;
  }

  /** One's own line; when it is weak, in words, for then it can be told that it is not the others'. @param {MeetingSession} session */
  #line({ quality, selfId }) {
    const link = quality.get(selfId) ?? null;
    const weak = link && qualityOf(link).bars <= 2;
    return html`
      <span class="own-line ${weak ? "weak" : ""}">
        ${weak ? html`<span aria-hidden="true">${qualityWords(link)}</span>` : nothing} ${qualityMark(link)}
      </span>
    `;
  }

  /** @param {Meeting} meeting */
  #recordingMark({ recording }) {
    if (!recording) return nothing;
    const state = recording.state === "paused" ? "paused" : recording.interrupted ? "interrupted" : "on";
    return html`
      <span class="badge ${state === "on" ? "danger" : "warning"} recording-mark ${state}" role="status">
        <span class="recording-dot"></span>${t(`meeting.recording.${state}`)}
      </span>
    `;
  }

  /** @param {MeetingSession} session @param {Meeting} meeting */
  #banners(session, meeting) {
    const { recording } = meeting;
    return html`
      ${session.troubled ? lostBanner() : nothing} ${this.silent ? this.#silentBanner() : nothing}
      ${this.devicesRead ? nothing : deviceTroubles(session.local, { dismiss: () => this.#readDevices(true) })}
      ${recording && recording.recording_id !== this.toldOf ? this.#recordingBanner(recording.recording_id) : nothing}
    `;
  }

  #silentBanner() {
    return html`
      <div class="notice warning" role="alert">
        ${icon(Volume2)}
        <p class="grow">${t("meeting.sound_blocked")}</p>
        <button type="button" class="button primary" @click=${this.#resumeSound}>${t("meeting.sound_on")}</button>
      </div>
    `;
  }

  /** The law wants people told, from the first moment (domain: Law 91/2025, article 32). @param {string} id */
  #recordingBanner(id) {
    return html`
      <div class="notice danger" role="alert">
        <span class="recording-dot"></span>
        <p class="grow">${t("meeting.recording.legal")}</p>
        <button type="button" class="button" @click=${() => this.#told(id)}>${t("meeting.understood")}</button>
      </div>
    `;
  }

  /** @param {MeetingSession} session @param {Meeting} meeting */
  #panel(session, meeting) {
    const dismiss = () => this.#show("");
    if (this.panel === "people") {
      return html`<dc-people-panel .session=${session} .revision=${this.revision} @dismiss=${dismiss}></dc-people-panel>`;
    }
    if (this.panel !== "chat") return nothing;
    return html`
      <dc-chat-panel .session=${session} .messages=${meeting.chat.messages} @dismiss=${dismiss}
        .writable=${may(session.self?.role, "chat")}></dc-chat-panel>
    `;
  }

  /** @param {MeetingSession} session */
  #settings(session) {
    return html`
      <dialog class="settings" aria-labelledby="settings-heading">
        <form method="dialog">
          <h2 id="settings-heading">${t("meeting.devices")}</h2>
          <div class="stack">${deviceChoice(session.local)}</div>
          <div class="actions"><button type="submit" class="button primary">${t("common.close")}</button></div>
        </form>
      </dialog>
    `;
  }

  #openSettings() {
    /** @type {HTMLDialogElement | null} */
    const dialog = this.querySelector("dialog.settings");
    dialog?.showModal();
  }

  /** A panel that is closed gives the focus back to what opened it. @param {Panel} panel */
  #show(panel) {
    if (panel) this.#opener = document.activeElement;
    this.panel = panel;
    this.#changed();
    if (!panel && this.#opener instanceof HTMLElement) this.#opener.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const elsewhere = /** @type {Element} */ (event.target).closest("dialog") || event.isComposing;
    if (event.key === "Escape" && this.panel && !elsewhere) this.#show("");
  }

  /** @param {boolean} read */
  #readDevices(read) {
    this.devicesRead = read;
  }

  /** @param {string} id */
  #told(id) {
    this.toldOf = id;
  }

  /** @param {boolean} silent */
  #silence(silent) {
    this.silent = silent;
  }

  async #resumeSound() {
    /** @type {Sounds | null} */
    const sounds = this.querySelector("dc-sounds");
    await sounds?.resume();
    this.#silence(false);
  }

  async #share() {
    const { session } = this;
    if (session?.local.screen.screen) return session.stopSharing();
    try {
      await session?.share();
    } catch (error) {
      // Who closed the browser's own dialog has changed their mind, and needs no word about it.
      if (error instanceof DeviceError && error.trouble !== "refused")
        this.#toast(t("meeting.share.failed"), "warning");
    }
  }

  #leave() {
    this.dispatchEvent(new Event("leave"));
  }

  #askToEnd() {
    /** @type {ConfirmDialog | null} */
    const dialog = this.querySelector("dc-confirm-dialog");
    dialog?.open();
  }

  /** @param {Notice} notice */
  #notice({ key, params, tone }) {
    this.#toast(t(key, params), tone);
  }

  /** @param {SignallingError} error */
  #refused(error) {
    this.#toast(sentence(error.code, error.messages), "warning");
  }

  /** @param {string} text @param {"info" | "warning"} tone */
  #toast(text, tone) {
    this.#lastToast += 1;
    const id = this.#lastToast;
    this.toasts = [...this.toasts, { id, text, tone }].slice(-TOASTS_AT_MOST);
    setTimeout(() => {
      this.toasts = this.toasts.filter((toast) => toast.id !== id);
    }, TOAST_MS);
  }
}

function lostBanner() {
  return html`<div class="notice warning" role="alert">${icon(Loader, "spinner")}<p class="grow">${t("meeting.reconnecting")}</p></div>`;
}

/** @param {Toast} toast */
function toastOf({ text, tone }) {
  return html`<p class="toast ${tone}">${tone === "warning" ? icon(TriangleAlert) : nothing}<span>${text}</span></p>`;
}

/** Keep the screen from going dark while the meeting is shown, where the browser can. @param {AbortSignal} signal */
async function keepAwake(signal) {
  const ask = async () => {
    if (document.visibilityState !== "visible") return;
    const lock = await navigator.wakeLock?.request("screen").catch(() => undefined);
    signal.addEventListener("abort", () => void lock?.release(), { once: true });
  };
  document.addEventListener("visibilitychange", () => void ask(), { signal });
  await ask();
}

customElements.define("dc-meeting-room", MeetingRoom);
