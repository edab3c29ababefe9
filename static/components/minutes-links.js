import { minutesAddress } from "../api.js";
import { t } from "../i18n.js";
import { Download, FileText } from "../vendor/icons.mjs";
import { html } from "../vendor/lit.mjs";
import { icon } from "./icon.js";

const DOWNLOADS = ["docx", "pdf"];

/** Read a meeting's minutes, or take them away. @param {string} meetingId */
export function minutesLinks(meetingId) {
  return html`
    <a class="button" href=${minutesAddress(meetingId, "html")} target="_blank" rel="noopener">
      ${icon(FileText)} ${t("archive.minutes_html")}
    </a>
    ${DOWNLOADS.map(
      (format) => html`
        <a class="button" href=${minutesAddress(meetingId, format)} download
          aria-label=${t(`archive.minutes_${format}`)}>${icon(Download)} ${format.toUpperCase()}</a>
      `,
    )}
  `;
}
