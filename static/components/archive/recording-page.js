import { ApiError, get } from "../../api.js";
import { clock, date, size, time } from "../../format.js";
import { t } from "../../i18n.js";
import { PlayerEngine } from "../../player/engine.js";
import { fromChapters, story } from "../../player/story.js";
import { trouble } from "../../session.js";
import { Calendar, ChevronLeft, Clock, Film } from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import "../app-header.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { failure, loading, notice } from "../parts.js";
import "./event-list.js";
import "./player.js";
import { stateBadge } from "./state-badge.js";
import "./track-files.js";

/** @typedef {import("./archive-page.js").RecordingItem & {
 *   participants: { participant_id: string, name: string }[],
 *   files: import("../../player/timeline.js").MediaFile[],
 *   chapters: ({ at_ms: number, type: string } & Record<string, any>)[] }} Recording */

// A meeting that has just ended is ready within seconds; whoever waits for it should not have to reload.
const RETRY_MS = 3_000;

/** One recording: watch it, find a moment in it, take its files and minutes. */
export class RecordingPage extends DcElement {
  static properties = {
    id: {},
    recording: { state: true },
    trouble: { state: true },
    missing: { state: true },
  };

  constructor() {
    super();
    this.id = "";
    /** @type {Recording | null} */
    this.recording = null;
    /** @type {import("../../player/story.js").Story} */
    this.story = { entries: [], pauses: [] };
    /** @type {PlayerEngine | null} */
    this.engine = null;
    this.trouble = "";
    /** Whether there is no such recording, so that asking again would not help. */
    this.missing = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#load();
  }

  async #load() {
    try {
      const recording = await get(`/api/v1/recordings/${this.id}`, { signal: this.connection });
      if (playable(recording)) await this.#open(recording);
      else if (unfinished(recording)) this.#retryLater();
      this.recording = recording;
      this.trouble = "";
    } catch (error) {
      if (!this.connection.aborted) this.#failed(error);
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    this.missing = error instanceof ApiError && error.status === 404;
    this.trouble = this.missing ? t("errors.recording_unknown") : trouble(error);
  }

  /** @param {Recording} recording */
  async #open(recording) {
    this.story = await this.#story(recording);
    const { duration_ms: durationMs, files } = recording;
    this.engine = new PlayerEngine({ durationMs, files, pauses: this.story.pauses });
  }

  /** The log tells most; who may not read it gets the recording's own chapters. @param {Recording} recording */
  async #story(recording) {
    const events = await this.#events(recording.meeting_id);
    if (events) return story(events, recording.id, recording.duration_ms);
    return story(fromChapters(recording.chapters ?? []), recording.id, recording.duration_ms);
  }

  /** @param {string} meetingId */
  async #events(meetingId) {
    try {
      return (await get(`/api/v1/meetings/${meetingId}/events`, { signal: this.connection })).events;
    } catch (error) {
      if (error instanceof ApiError) return null;
      throw error;
    }
  }

  #retryLater() {
    const timer = setTimeout(() => this.#load(), RETRY_MS);
    this.connection.addEventListener("abort", () => clearTimeout(timer));
  }

  render() {
    document.title = `${this.recording?.title ?? t("archive.title")} – ${t("common.product")}`;
    return html`
      <dc-app-header page="archive"></dc-app-header>
      <main class="page watching" id="content">
        <a class="back" href="/archive">${icon(ChevronLeft)} ${t("archive.title")}</a>
        ${this.trouble ? failure(this.trouble, this.missing ? null : () => this.#load()) : nothing}
        ${this.recording ? this.#whole(this.recording) : this.trouble ? nothing : loading()}
      </main>
    `;
  }

  /** @param {Recording} recording */
  #whole(recording) {
    return html`
      ${head(recording)} ${this.engine ? this.#watch(this.engine) : notWatchable(recording)}
      <dc-track-files .recording=${recording}></dc-track-files>
    `;
  }

  /** @param {PlayerEngine} engine */
  #watch(engine) {
    return html`
      <div class="watch">
        <dc-player .engine=${engine} .pauses=${this.story.pauses} .files=${this.recording?.files ?? []}></dc-player>
        <dc-event-list .engine=${engine} .entries=${this.story.entries}></dc-event-list>
      </div>
    `;
  }
}

/** @param {Recording} recording */
function unfinished({ state }) {
  return state === "recording" || state === "processing";
}

/** @param {Recording} recording */
function playable(recording) {
  return !unfinished(recording) && recording.files.length > 0;
}

/** @param {Recording} recording */
function notWatchable(recording) {
  return notice(t(unfinished(recording) ? "archive.not_ready" : "archive.no_media"));
}

/** @param {Recording} recording */
function head(recording) {
  return html`
    <div class="recording-head">
      <h1>${recording.title}</h1>
      <p class="row-facts">
        ${stateBadge(recording.state)}
        <span>${icon(Calendar)} ${date(recording.started_at)}, ${time(recording.started_at)}</span>
        <span>${icon(Clock)} ${clock(recording.duration_ms)}</span>
        <span>${icon(Film)} ${size(recording.size)}</span>
      </p>
    </div>
  `;
}

customElements.define("dc-recording-page", RecordingPage);
