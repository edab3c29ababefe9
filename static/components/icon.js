import { html, svg } from "../vendor/lit.mjs";

/** @typedef {typeof import("../vendor/icons.mjs").Mic} IconNode */
/** @typedef {Record<string, string | number | undefined>} Attributes */

/** One template per SVG shape that the icon set uses. @type {Record<string, (a: Attributes) => unknown>} */
const SHAPES = {
  path: (a) => svg`<path d=${a.d}></path>`,
  circle: (a) => svg`<circle cx=${a.cx} cy=${a.cy} r=${a.r}></circle>`,
  ellipse: (a) => svg`<ellipse cx=${a.cx} cy=${a.cy} rx=${a.rx} ry=${a.ry}></ellipse>`,
  line: (a) => svg`<line x1=${a.x1} y1=${a.y1} x2=${a.x2} y2=${a.y2}></line>`,
  polyline: (a) => svg`<polyline points=${a.points}></polyline>`,
  polygon: (a) => svg`<polygon points=${a.points}></polygon>`,
  rect: (a) =>
    svg`<rect x=${a.x ?? 0} y=${a.y ?? 0} width=${a.width} height=${a.height} rx=${a.rx ?? 0}></rect>`,
};

/**
 * An icon beside a word, or inside a button that has an accessible name of its own: silent for screen readers.
 * @param {IconNode} node
 * @param {string} [extraClass]
 */
export function icon(node, extraClass = "") {
  return html`<svg class="icon ${extraClass}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${node.map(shape)}</svg>`;
}

/** @param {IconNode[number]} child */
function shape([tag, attributes]) {
  return SHAPES[tag](/** @type {Attributes} */ (attributes));
}
