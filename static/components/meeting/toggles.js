import { t } from "../../i18n.js";
import { Mic, MicOff, Video, VideoOff } from "../../vendor/icons.mjs";
import { html } from "../../vendor/lit.mjs";
import { icon } from "../icon.js";

/** @import { Kind, LocalMedia } from "../../media/local-media.js" */

const SYMBOLS = { microphone: { on: Mic, off: MicOff }, camera: { on: Video, off: VideoOff } };

/** The button that turns one's own microphone or camera on and off. @param {LocalMedia} local @param {Kind} kind */
export function deviceToggle(local, kind) {
  const { on, track, opening } = local[kind];
  const sending = on && track !== null;
  const label = t(`meeting.${kind}.${sending ? "off" : "on"}`);
  return html`
    <button type="button" class="control ${sending ? "" : "off"}" title=${label} ?disabled=${opening}
      @click=${() => void local.set(kind, !sending)}>
      ${icon(SYMBOLS[kind][sending ? "on" : "off"])}<span>${label}</span>
    </button>
  `;
}
