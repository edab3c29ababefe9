import { ApiError, get, post, sentence } from "../../api.js";
import { t } from "../../i18n.js";
import { LocalMedia } from "../../media/local-media.js";
import { loadUser } from "../../session.js";
import { html } from "../../vendor/lit.mjs";
import { io } from "../../vendor/socket.io.mjs";
import { DcElement } from "../element.js";
import { failure, loading } from "../parts.js";
import "./device-check.js";
import "./meeting-over.js";
import "./meeting-room.js";
import { prefer, preferences } from "./preferences.js";
import { findSeat, forgetSeat, keepSeat } from "./seat.js";
import { MeetingSession } from "./session.js";

/** @import { Messages } from "../../models/shapes.js" */
/** @import { Connect } from "../../signalling/client.js" */
/** @import { Ending } from "./meeting-over.js" */
/** @import { Seat } from "./seat.js" */

/** @typedef {{meeting_id: string, title: string, state: string, signed_in_as: string | null, manages: boolean}} Link */

/** What `closed` may say that is an ending of its own; every other code is a refusal. @type {readonly string[]} */
const ENDINGS = ["meeting_ended", "left", "removed", "replaced"];

/**
 * `/m/{code}`: opening the link, the device check, the meeting, and what comes after it.
 *
 * loading -> check -> room -> over, and from over back to the check. A tab that was inside when it was reloaded
 * goes from loading straight into the room.
 */
export class MeetingPage extends DcElement {
  static properties = {
    code: {},
    stage: { state: true },
    problem: { state: true },
    busy: { state: true },
  };

  constructor() {
    super();
    this.code = "";
    /** @type {"loading" | "failed" | "check" | "room" | "over"} */
    this.stage = "loading";
    this.problem = "";
    this.busy = false;
    /** @type {Link | null} */
    this.link = null;
    /** @type {Seat | null} */
    this.seat = null;
    /** @type {LocalMedia | null} */
    this.local = null;
    /** @type {MeetingSession | null} */
    this.session = null;
    /** @type {{ending: Ending, message: string}} */
    this.over = { ending: "left", message: "" };
  }

  connectedCallback() {
    super.connectedCallback();
    this.connection.addEventListener("abort", () => this.#close(), { once: true });
    void this.#open();
  }

  /** A new stage takes the place of what had the focus; the first one leaves it where the browser put it. @param {Map<string, unknown>} changed */
  updated(changed) {
    const before = changed.get("stage");
    if (before === "check" || before === "room" || before === "over") void this.#focusHeading();
  }

  async #focusHeading() {
    const shown = /** @type {DcElement | null} */ (this.firstElementChild);
    await shown?.updateComplete;
    this.querySelector("h1")?.focus();
  }

  render() {
    document.title = this.#title();
    switch (this.stage) {
      case "loading":
        return html`<main class="page">${loading()}</main>`;
      case "failed":
        return html`<main class="page narrow">${failure(this.problem, () => void this.#open())}</main>`;
      case "check":
        return this.#check();
      case "room":
        return html`<dc-meeting-room .session=${this.session} @leave=${() => void this.#leave()}></dc-meeting-room>`;
      case "over":
        return this.#over();
    }
  }

  #title() {
    const place = this.link?.title ?? (this.stage === "over" ? t(`meeting.over.${this.over.ending}`) : "");
    return place ? `${place} – ${t("common.product")}` : t("common.product");
  }

  #check() {
    return html`
      <dc-device-check .local=${this.local} .heading=${this.link?.title ?? ""} .named=${this.seat?.personal ?? false}
        .name=${preferences().name || (this.link?.signed_in_as ?? "")} .busy=${this.busy} .problem=${this.problem}
        @enter=${(/** @type {CustomEvent} */ event) => void this.#enter(event.detail.name)}></dc-device-check>
    `;
  }

  #over() {
    const { ending, message } = this.over;
    const records = ending === "meeting_ended" && this.link?.manages ? this.link.meeting_id : "";
    return html`
      <dc-meeting-over .ending=${ending} .heading=${this.link?.title ?? ""} .message=${message} .records=${records}
        .returnable=${this.link !== null} @return=${() => this.#goToCheck()}></dc-meeting-over>
    `;
  }

  async #open() {
    this.stage = "loading";
    try {
      this.link = await this.#ask();
    } catch (error) {
      return this.#openFailed(error);
    }
    this.seat = findSeat(this.code, location.hash);
    if (this.link?.state === "ended") return this.#end("meeting_ended");
    if (this.seat?.inside) return this.#connect(this.seat);
    this.#goToCheck();
  }

  /** @returns {Promise<Link>} */
  async #ask() {
    const link = await get(`/api/v1/links/${encodeURIComponent(this.code)}`, { signal: this.connection });
    if (link.signed_in_as) await loadUser();
    return link;
  }

  /** @param {unknown} error */
  async #openFailed(error) {
    if (this.connection.aborted) return;
    if (error instanceof ApiError && error.status === 404) {
      await loadUser().catch(() => null);
      return this.#end("refused", error.message);
    }
    this.problem = error instanceof Error ? error.message : "";
    this.stage = "failed";
  }

  /** @param {string} [problem] */
  #goToCheck(problem = "") {
    this.problem = problem;
    this.stage = "check";
    void this.#prepare().start();
  }

  /** The devices as chosen last time, on or off as they were in this tab. */
  #prepare() {
    this.local?.close();
    const local = new LocalMedia();
    const { microphone, camera, speaker } = preferences();
    local.microphone.deviceId = microphone;
    local.camera.deviceId = camera;
    local.speakerId = speaker;
    local.microphone.on = this.seat?.microphone ?? true;
    local.camera.on = this.seat?.camera ?? true;
    this.local = local;
    this.requestUpdate();
    return local;
  }

  /** @param {string} name */
  async #enter(name) {
    this.busy = true;
    this.problem = "";
    try {
      this.#connect(this.seat ?? (await this.#takeSeat(name)));
    } catch (error) {
      this.busy = false;
      this.problem = error instanceof Error ? error.message : "";
    }
  }

  /** @param {string} name @returns {Promise<Seat>} */
  async #takeSeat(name) {
    const { token } = await post(`/api/v1/links/${encodeURIComponent(this.code)}/seats`, { name });
    prefer({ name });
    return { token, personal: false, inside: false, microphone: true, camera: true };
  }

  /** @param {Seat} seat */
  #connect(seat) {
    this.seat = seat;
    if (!this.local) void this.#prepare().start();
    const local = /** @type {LocalMedia} */ (this.local);
    const session = new MeetingSession(/** @type {Connect} */ (io), seat.token, local);
    session.hintScreen(preferences().share === "motion" ? "motion" : "detail");
    const signal = this.connection;
    session.addEventListener("change", () => this.#changed(session), { signal });
    session.addEventListener("over", (event) => this.#closed(/** @type {CustomEvent} */ (event).detail), {
      signal,
    });
    this.session = session;
  }

  /** @param {MeetingSession} session */
  #changed(session) {
    if (session !== this.session || !session.meeting) return;
    this.stage = "room";
    this.busy = false;
    this.#keep(true);
  }

  /** @param {boolean} inside */
  #keep(inside) {
    if (!this.seat) return;
    const { microphone, camera } = this.local ?? this.seat;
    const on = (/** @type {{on: boolean} | boolean} */ device) =>
      typeof device === "boolean" ? device : device.on;
    const seat = { ...this.seat, inside, microphone: on(microphone), camera: on(camera) };
    if (JSON.stringify(seat) === JSON.stringify(this.seat)) return;
    this.seat = seat;
    keepSeat(this.code, seat);
  }

  async #leave() {
    const session = this.session;
    this.#keep(false);
    this.#end("left");
    await session?.leave();
  }

  /** @param {{code: string, messages: Messages}} end */
  #closed({ code, messages }) {
    const message = sentence(code, messages);
    if (ENDINGS.includes(code)) return this.#end(/** @type {Ending} */ (code));
    this.#giveUpSeat();
    this.session = null;
    this.busy = false;
    if (this.stage === "room") this.#end("refused", message);
    else if (this.stage === "check") this.problem = message;
    else this.#goToCheck(message);
  }

  /** A seat that was refused may not be valid any more; the next one is asked for anew. */
  #giveUpSeat() {
    if (this.seat?.personal) return;
    forgetSeat(this.code);
    this.seat = null;
  }

  /** @param {Ending} ending @param {string} [message] */
  #end(ending, message = "") {
    this.#keep(false);
    this.over = { ending, message };
    this.session = null;
    this.local?.close();
    this.local = null;
    this.stage = "over";
  }

  #close() {
    this.session?.close();
    this.local?.close();
  }
}

customElements.define("dc-meeting-page", MeetingPage);
