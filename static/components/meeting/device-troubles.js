import { t } from "../../i18n.js";
import { TriangleAlert } from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import { icon } from "../icon.js";

/** @import { Kind, LocalMedia } from "../../media/local-media.js" */

/** @typedef {{kinds: readonly Kind[], trouble: string, retry: () => unknown}} Trouble */

/** @type {readonly Kind[]} */
const KINDS = ["microphone", "camera"];

/** Why a device that is wanted does not work; one word about both when both have the same trouble. @param {LocalMedia} local @returns {Trouble[]} */
function troublesOf(local) {
  const kinds = KINDS.filter((kind) => local[kind].on && local[kind].trouble);
  const [first, second] = kinds.map((kind) => String(local[kind].trouble));
  if (first && first === second) return [{ kinds, trouble: first, retry: () => local.start() }];
  return kinds.map((kind) => ({
    kinds: [kind],
    trouble: String(local[kind].trouble),
    retry: () => local.set(kind, true),
  }));
}

/**
 * What is wrong with the devices, each with a way to try again.
 * @param {LocalMedia} local
 * @param {{entering?: boolean, dismiss?: () => void}} [place] before a meeting it is added that one can enter all the
 *   same; within one it can be put away
 */
export function deviceTroubles(local, { entering = false, dismiss } = {}) {
  return troublesOf(local).map(
    ({ kinds, trouble, retry }) => html`
      <div class="notice warning" role="alert">
        ${icon(TriangleAlert)}
        <p class="grow">
          ${t(`join.trouble.${kinds.length > 1 ? "both" : kinds[0]}.${trouble}`)}
          ${entering ? t(`join.anyway.${kinds[0]}`) : nothing}
        </p>
        <div class="actions">
          <button type="button" class="button" @click=${retry}>${t("common.retry")}</button>
          ${dismiss ? html`<button type="button" class="button" @click=${dismiss}>${t("common.close")}</button>` : nothing}
        </div>
      </div>
    `,
  );
}
