import { t } from "../../i18n.js";
import { html, nothing } from "../../vendor/lit.mjs";

/** @typedef {"recording" | "processing" | "ready" | "interrupted"} RecordingState */

const TONES = { recording: "danger", processing: "accent", ready: "", interrupted: "warning" };

/**
 * What a reader must know before opening a recording; nothing for one that is simply ready.
 * @param {RecordingState} state
 */
export function stateBadge(state) {
  if (state === "ready") return nothing;
  return html`<span class="badge ${TONES[state]}">${t(`archive.state_${state}`)}</span>`;
}
