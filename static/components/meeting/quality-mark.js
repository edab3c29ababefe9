import { t } from "../../i18n.js";
import { qualityOf } from "../../models/quality.js";
import { html, nothing } from "../../vendor/lit.mjs";

/** @import { Link } from "../../models/shapes.js" */

const BARS = [1, 2, 3, 4];

/** How a line fares, in four bars; what it means, and why, is said in words. @param {Link | null} link null while nobody knows */
export function qualityMark(link) {
  if (!link) return nothing;
  const { level, bars } = qualityOf(link);
  const words = qualityWords(link);
  return html`
    <span class="quality ${level}" role="img" aria-label=${words} title=${words}>
      ${BARS.map((bar) => html`<span class=${bar <= bars ? "stands" : ""}></span>`)}
    </span>
  `;
}

/** @param {Link} link */
export function qualityWords(link) {
  const { level, reason } = qualityOf(link);
  const words = t("meeting.quality", { level: t(`meeting.quality.${level}`) });
  return reason ? `${words} – ${t(`meeting.quality.reason.${reason}`)}` : words;
}
