import { get } from "../../api.js";
import { t } from "../../i18n.js";
import { firstPages } from "../../paging.js";
import { trouble } from "../../session.js";
import { Plus, Users } from "../../vendor/icons.mjs";
import { html, nothing, repeat } from "../../vendor/lit.mjs";
import "../app-header.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { emptyState, failure, focusEntry, loading, showMore } from "../parts.js";
import "./meeting-row.js";
import { grouped } from "./meetings.js";
import "./new-meeting.js";

/** @typedef {import("./meetings.js").MeetingItem} MeetingItem */

// A meeting that others open or end shows itself within this time, while the page is looked at.
const REFRESH_MS = 15_000;

/** My meetings: make one, pass its link on, enter it, find what is left of it. */
export class HomePage extends DcElement {
  static properties = {
    meetings: { state: true },
    more: { state: true },
    trouble: { state: true },
    fresh: { state: true },
  };
  #pages = 1;

  constructor() {
    super();
    /** @type {MeetingItem[] | null} */
    this.meetings = null;
    /** Whether the server has more than are shown. */
    this.more = false;
    this.trouble = "";
    /** The meeting just made: pointed out, so that its link is found at once. */
    this.fresh = "";
  }

  connectedCallback() {
    super.connectedCallback();
    this.#load();
    const timer = setInterval(() => document.hidden || this.#load(), REFRESH_MS);
    this.connection.addEventListener("abort", () => clearInterval(timer));
    addEventListener("focus", () => this.#load(), { signal: this.connection });
  }

  async #load() {
    try {
      const { items, more } = await firstPages((page) => this.#ask(page), this.#pages);
      this.meetings = items;
      this.more = more;
      this.trouble = "";
    } catch (error) {
      if (!this.connection.aborted) this.trouble = trouble(error);
    }
  }

  /** @param {{ limit: number, offset: number }} page @returns {Promise<MeetingItem[]>} */
  async #ask({ limit, offset }) {
    const path = `/api/v1/meetings?limit=${limit}&offset=${offset}`;
    return (await get(path, { signal: this.connection })).meetings;
  }

  async #showMore() {
    const shown = this.meetings?.length ?? 0;
    this.#pages += 1;
    await this.#load();
    await this.updateComplete;
    focusEntry(this, shown);
  }

  render() {
    document.title = `${t("home.meetings")} – ${t("common.product")}`;
    return html`
      <dc-app-header page="home"></dc-app-header>
      <main class="page" id="content">
        <div class="page-head">
          <h1>${t("home.meetings")}</h1>
          <button type="button" class="button primary" @click=${this.#new}>${icon(Plus)} ${t("home.new_meeting")}</button>
        </div>
        ${this.trouble ? failure(this.trouble, () => this.#load()) : nothing}
        ${this.meetings ? this.#lists(this.meetings) : this.trouble ? nothing : loading()}
        ${this.more ? showMore(() => this.#showMore()) : nothing}
        <dc-new-meeting @created=${this.#created}></dc-new-meeting>
      </main>
    `;
  }

  /** @param {MeetingItem[]} meetings */
  #lists(meetings) {
    if (!meetings.length) return emptyState(Users, t("home.no_meetings"), t("home.no_meetings_text"));
    const { open, ended } = grouped(meetings);
    return html`${this.#list(t("home.open_meetings"), open)} ${this.#list(t("home.ended_meetings"), ended)}`;
  }

  /**
   * @param {string} heading
   * @param {MeetingItem[]} meetings
   */
  #list(heading, meetings) {
    if (!meetings.length) return nothing;
    return html`
      <section class="stack">
        <h2>${heading}</h2>
        <ul class="rows">
          ${repeat(
            meetings,
            (meeting) => meeting.id,
            (meeting) => html`
              <li><dc-meeting-row .meeting=${meeting} ?fresh=${meeting.id === this.fresh}></dc-meeting-row></li>
            `,
          )}
        </ul>
      </section>
    `;
  }

  #new() {
    this.querySelector("dc-new-meeting")?.dispatchEvent(new Event("ask"));
  }

  /** @param {CustomEvent<{ id: string }>} event */
  async #created(event) {
    this.fresh = event.detail.id;
    await this.#load();
    await this.updateComplete;
    const row = /** @type {DcElement | null} */ (this.querySelector("dc-meeting-row[fresh]"));
    await row?.updateComplete;
    /** @type {HTMLElement | null | undefined} */ (row?.querySelector("a.primary"))?.focus();
  }
}

customElements.define("dc-home-page", HomePage);
