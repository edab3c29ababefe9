/** How long a page may be out of sight before its pictures are given up: a look at another window is shorter. */
export const PATIENCE_MS = 10_000;

/** Whether anybody can see the page. Out of sight for long, it needs no pictures; in sight again, it does at once. */
export class Attention {
  watching = true;
  #changed;
  #patience;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => void} changed @param {number} patience ms */
  constructor(changed, patience = PATIENCE_MS) {
    this.#changed = changed;
    this.#patience = patience;
  }

  /** @param {boolean} hidden */
  set(hidden) {
    clearTimeout(this.#timer);
    if (hidden) this.#timer = setTimeout(() => this.#watch(false), this.#patience);
    else this.#watch(true);
  }

  close() {
    clearTimeout(this.#timer);
  }

  /** @param {boolean} watching */
  #watch(watching) {
    if (watching === this.watching) return;
    this.watching = watching;
    this.#changed();
  }
}
