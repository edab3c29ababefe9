import { date, time } from "../../format.js";
import { t } from "../../i18n.js";
import { Calendar, CircleDot, Film, Link, Video } from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import "../copy-button.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { minutesLinks } from "../minutes-links.js";
import { when } from "./meetings.js";

/** @typedef {import("./meetings.js").MeetingItem} MeetingItem */

const TONES = { planned: "accent", running: "ok", ended: "" };

/** One meeting: enter it and pass its link on while it is open; its recording and minutes afterwards. */
export class MeetingRow extends DcElement {
  static properties = { meeting: { attribute: false } };

  constructor() {
    super();
    /** @type {MeetingItem | null} */
    this.meeting = null;
  }

  render() {
    const meeting = this.meeting;
    if (!meeting) return nothing;
    return html`
      <article class="row">
        <div class="row-text">
          <h3>${meeting.title}</h3>
          <p class="row-facts">
            <span class="badge ${TONES[meeting.state]}">
              ${meeting.state === "running" ? icon(CircleDot) : nothing} ${t(`home.state_${meeting.state}`)}
            </span>
            <span>${icon(Calendar)} ${date(when(meeting))}, ${time(when(meeting))}</span>
            ${meeting.state === "ended" ? nothing : html`<span>${icon(Link)} <code>${meeting.code}</code></span>`}
          </p>
        </div>
        <div class="actions">${meeting.state === "ended" ? afterwards(meeting) : entrance(meeting)}</div>
      </article>
    `;
  }
}

/** @param {MeetingItem} meeting */
function entrance(meeting) {
  return html`
    <dc-copy-button text=${meeting.join_url} label=${t("home.copy_link")}></dc-copy-button>
    <a class="button primary" href="/m/${meeting.code}">${icon(Video)} ${t("home.enter")}</a>
  `;
}

/** @param {MeetingItem} meeting */
function afterwards(meeting) {
  return html`
    ${minutesLinks(meeting.id)}
    ${
      meeting.recordings
        ? html`<a class="button" href="/archive?meeting=${meeting.id}">
          ${icon(Film)} ${t("home.recordings", { count: meeting.recordings })}
        </a>`
        : nothing
    }
  `;
}

customElements.define("dc-meeting-row", MeetingRow);
