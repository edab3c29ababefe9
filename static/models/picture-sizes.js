/**
 * @typedef {{width: number, height: number}} Size in physical pixels
 * @typedef {ReadonlyMap<string, Size>} Sizes of all pictures in view, by `keyOf`
 */

/** How long a picture must have kept its new size before it is told: a window that is drawn larger changes all the time. */
export const SETTLE_MS = 200;
/** Steps in each doubling of a size: the next one is too close to be seen. */
const STEPS = 4;

/**
 * How large each picture is on the screen, in steps, told calmly: what is new or gone at once, a change when it has
 * lasted.
 */
export class PictureSizes {
  /** @type {Sizes} */
  told = new Map();
  /** @type {Map<string, Size>} */
  #now = new Map();
  #changed;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => void} changed `told` is another map now */
  constructor(changed) {
    this.#changed = changed;
  }

  /** A picture has this size now, null when it is out of view. @param {string} key @param {Size | null} size */
  set(key, size) {
    if (size && size.width > 0 && size.height > 0) this.#now.set(key, inSteps(size));
    else this.#now.delete(key);
    if (this.told.has(key) !== this.#now.has(key)) this.#tell();
    else if (!same(this.told.get(key), this.#now.get(key))) this.#tellSoon();
  }

  close() {
    clearTimeout(this.#timer);
  }

  #tellSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(), SETTLE_MS);
  }

  #settle() {
    const changed = [...this.#now].some(([key, size]) => !same(size, this.told.get(key)));
    if (changed) this.#tell(this.#now);
  }

  /** What is new or gone, while the sizes of the others wait. */
  #tell(sizes = new Map([...this.#now].map(([key, size]) => [key, this.told.get(key) ?? size]))) {
    this.told = new Map(sizes);
    this.#changed();
  }
}

/** @param {Size | undefined} a @param {Size | undefined} b */
function same(a, b) {
  return a?.width === b?.width && a?.height === b?.height;
}

/** @param {Size} size @returns {Size} */
function inSteps({ width, height }) {
  return { width: step(width), height: step(height) };
}

/** The nearest of four steps in each doubling: 256, 320, 384, 448, 512, 640 … @param {number} pixels */
function step(pixels) {
  const unit = 2 ** Math.floor(Math.log2(pixels)) / STEPS;
  return Math.max(1, Math.round(Math.round(pixels / unit) * unit));
}
