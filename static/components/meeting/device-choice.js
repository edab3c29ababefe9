import { t } from "../../i18n.js";
import { html, nothing } from "../../vendor/lit.mjs";
import { prefer } from "./preferences.js";

/** @import { LocalMedia } from "../../media/local-media.js" */

/** @typedef {"microphone" | "camera" | "speaker"} Kind */

/** Not every browser lets a page choose where sound comes out. */
const CHOOSES_SPEAKER = typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype;

/** @type {Kind[]} */
const KINDS = CHOOSES_SPEAKER ? ["camera", "microphone", "speaker"] : ["camera", "microphone"];

/** Which camera, microphone and loudspeaker to use; a kind with nothing to choose from is left out. @param {LocalMedia} local */
export function deviceChoice(local) {
  return KINDS.map((kind) => (local.choices[kind].length > 0 ? choice(local, kind) : nothing));
}

/** @param {LocalMedia} local @param {Kind} kind */
function choice(local, kind) {
  const inUse = inUseOf(local, kind);
  const id = `choose-${kind}`;
  return html`
    <div class="field">
      <label for=${id}>${t(`join.device.${kind}`)}</label>
      <select id=${id} @change=${(/** @type {Event} */ event) => choose(local, kind, event)}>
        ${local.choices[kind].map(
          (device, index) => html`
            <option value=${device.deviceId} ?selected=${device.deviceId === inUse}>
              ${device.label || t("join.device.unnamed", { number: index + 1 })}
            </option>
          `,
        )}
      </select>
    </div>
  `;
}

/** @param {LocalMedia} local @param {Kind} kind */
function inUseOf(local, kind) {
  if (kind === "speaker") return local.speakerId || "default";
  return local[kind].track?.getSettings().deviceId ?? local[kind].deviceId;
}

/** @param {LocalMedia} local @param {Kind} kind @param {Event} event */
function choose(local, kind, event) {
  const { value } = /** @type {HTMLSelectElement} */ (event.target);
  prefer({ [kind]: value });
  if (kind === "speaker") local.chooseSpeaker(value);
  else void local.choose(kind, value);
}
