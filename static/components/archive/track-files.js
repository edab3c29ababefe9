import { clock, codecName, size } from "../../format.js";
import { t } from "../../i18n.js";
import { Download, Mic, Monitor, ShieldCheck, TriangleAlert, Video, Volume2 } from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import "../copy-button.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { minutesLinks } from "../minutes-links.js";
import { gapText } from "./marks.js";

/** @typedef {import("../../player/timeline.js").MediaFile} MediaFile */

/** @type {Record<string, import("../icon.js").IconNode>} */
const SYMBOLS = { microphone: Mic, camera: Video, screen: Monitor, screen_audio: Volume2 };

/** What one takes away: the minutes, and every file with its hash and what is missing in it. */
export class TrackFiles extends DcElement {
  static properties = { recording: { attribute: false } };

  constructor() {
    super();
    /** @type {import("./recording-page.js").Recording | null} */
    this.recording = null;
  }

  render() {
    const recording = this.recording;
    if (!recording) return nothing;
    return html`${minutes(recording.meeting_id)} ${recording.files.length ? files(recording.files) : nothing}`;
  }
}

/** @param {string} meetingId */
function minutes(meetingId) {
  return html`
    <section class="card stack">
      <h2>${t("archive.minutes")}</h2>
      <div class="actions">${minutesLinks(meetingId)}</div>
    </section>
  `;
}

/** @param {MediaFile[]} all */
function files(all) {
  return html`
    <details class="card files">
      <summary><h2>${t("archive.files", { count: all.length })}</h2></summary>
      <p class="hint">${icon(ShieldCheck)} ${t("archive.hash_hint")}</p>
      <ul>${all.map(fileRow)}</ul>
    </details>
  `;
}

/** @param {MediaFile} file */
function fileRow(file) {
  const label = t("archive.download_file", {
    name: file.participant_name,
    source: t(`archive.source_${file.source}`),
  });
  return html`
    <li class="file">
      ${icon(SYMBOLS[file.source] ?? Video)}
      <div class="file-text">
        <h3>${file.participant_name}, ${t(`archive.source_${file.source}`)}</h3>
        <p class="row-facts">
          <span>${clock(file.start_ms)} – ${clock(file.end_ms)}</span><span>${codecName(file.codec)}</span><span>${size(file.size)}</span>
        </p>
        ${file.gaps.map((gap) => html`<p class="file-gap">${icon(TriangleAlert)} ${gapText(gap)}</p>`)}
        <p class="hash"><span>${t("archive.hash")}</span> <code>${file.sha256}</code></p>
      </div>
      <div class="actions">
        <dc-copy-button text=${file.sha256} label=${t("archive.copy_hash")}></dc-copy-button>
        <a class="button" href=${file.url} download=${file.name} aria-label=${label}>${icon(Download)} ${t("common.download")}</a>
      </div>
    </li>
  `;
}

customElements.define("dc-track-files", TrackFiles);
