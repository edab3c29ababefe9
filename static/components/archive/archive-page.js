import { get } from "../../api.js";
import { clock, date, size, time } from "../../format.js";
import { t } from "../../i18n.js";
import { firstPages } from "../../paging.js";
import { trouble } from "../../session.js";
import { Calendar, ChevronRight, Clock, Film, Search, X } from "../../vendor/icons.mjs";
import { html, nothing, repeat } from "../../vendor/lit.mjs";
import "../app-header.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { emptyState, failure, focusEntry, loading, showMore } from "../parts.js";
import { stateBadge } from "./state-badge.js";

/** @typedef {{ id: string, meeting_id: string, title: string, started_at: string, ended_at: string | null,
 *   duration_ms: number, state: import("./state-badge.js").RecordingState, size: number }} RecordingItem */

// Long enough that one typed word is one question, short enough to feel immediate.
const TYPING_PAUSE_MS = 250;

/** The recordings one may see, searched by title; the server also finds words written without diacritics. */
export class ArchivePage extends DcElement {
  static properties = { recordings: { state: true }, more: { state: true }, trouble: { state: true } };

  #timer = 0;
  /** The last question asked; answers to earlier ones come too late. */
  #asked = 0;
  #pages = 1;

  constructor() {
    super();
    /** @type {RecordingItem[] | null} */
    this.recordings = null;
    /** Whether the server has more than are shown. */
    this.more = false;
    this.trouble = "";
    const asked = new URLSearchParams(location.search);
    this.query = asked.get("q") ?? "";
    this.meeting = asked.get("meeting") ?? "";
  }

  connectedCallback() {
    super.connectedCallback();
    this.#load();
  }

  async #load() {
    const number = ++this.#asked;
    try {
      const { items, more } = await firstPages((page) => this.#answer(page), this.#pages);
      if (number !== this.#asked) return;
      this.recordings = items;
      this.more = more;
      this.trouble = "";
    } catch (error) {
      if (!this.connection.aborted && number === this.#asked) this.trouble = trouble(error);
    }
  }

  /** @param {{ limit: number, offset: number }} page @returns {Promise<RecordingItem[]>} */
  async #answer({ limit, offset }) {
    const path = `/api/v1/recordings?${this.#question()}&limit=${limit}&offset=${offset}`;
    return (await get(path, { signal: this.connection })).recordings;
  }

  async #showMore() {
    const shown = this.recordings?.length ?? 0;
    this.#pages += 1;
    await this.#load();
    await this.updateComplete;
    focusEntry(this, shown);
  }

  #question() {
    const question = new URLSearchParams({ q: this.query });
    if (this.meeting) question.set("meeting", this.meeting);
    return question;
  }

  render() {
    document.title = `${t("archive.title")} – ${t("common.product")}`;
    return html`
      <dc-app-header page="archive"></dc-app-header>
      <main class="page" id="content">
        <div class="page-head"><h1>${t("archive.title")}</h1></div>
        ${this.#search()} ${this.meeting ? this.#oneMeeting() : nothing}
        ${this.trouble ? failure(this.trouble, () => this.#load()) : nothing}
        ${this.recordings ? this.#list(this.recordings) : this.trouble ? nothing : loading()}
      </main>
    `;
  }

  #search() {
    return html`
      <search class="field search">
        <label for="q" class="visually-hidden">${t("archive.search")}</label>
        ${icon(Search)}
        <input id="q" type="search" placeholder=${t("archive.search")} .value=${this.query} @input=${this.#typed} />
      </search>
    `;
  }

  #oneMeeting() {
    return html`<p><a class="button" href="/archive">${icon(X)} ${t("archive.show_all")}</a></p>`;
  }

  /** @param {RecordingItem[]} recordings */
  #list(recordings) {
    if (!recordings.length) return this.#none();
    return html`
      <ul class="rows">${repeat(recordings, (recording) => recording.id, row)}</ul>
      ${this.more ? showMore(() => this.#showMore()) : nothing}
      <p class="visually-hidden" role="status">${t("archive.found", { count: recordings.length })}</p>
    `;
  }

  #none() {
    const searched = this.query ? "archive.nothing_found" : "archive.empty";
    return emptyState(Film, t(searched), t(`${searched}_text`));
  }

  /** @param {InputEvent} event */
  #typed(event) {
    this.query = /** @type {HTMLInputElement} */ (event.target).value;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#ask(), TYPING_PAUSE_MS);
  }

  #ask() {
    this.#pages = 1;
    history.replaceState(null, "", `?${this.#question()}`);
    this.#load();
  }
}

/** @param {RecordingItem} recording */
function row(recording) {
  return html`
    <li>
      <a class="row row-link" href="/archive/${recording.id}">
        <div class="row-text">
          <h3>${recording.title}</h3>
          <p class="row-facts">
            ${stateBadge(recording.state)}
            <span>${icon(Calendar)} ${date(recording.started_at)}, ${time(recording.started_at)}</span>
            <span>${icon(Clock)} ${clock(recording.duration_ms)}</span>
            <span>${size(recording.size)}</span>
          </p>
        </div>
        ${icon(ChevronRight)}
      </a>
    </li>
  `;
}

customElements.define("dc-archive-page", ArchivePage);
