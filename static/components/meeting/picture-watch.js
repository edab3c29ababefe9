import { PictureSizes } from "../../models/picture-sizes.js";

/** @typedef {{element: Element, key: string}} Place */

/** Measures the places of pictures: how large each is in physical pixels, and whether it is in view at all. */
export class PictureWatch {
  #sizes;
  /** @type {Map<Element, string>} what each place shows, by `keyOf` */
  #keys = new Map();
  /** @type {Set<Element>} */
  #outside = new Set();
  #resizes = new ResizeObserver((entries) => {
    for (const { target } of entries) this.#measure(target);
  });
  #views = new IntersectionObserver((entries) => {
    for (const entry of entries) this.#seen(entry);
  });

  /** @param {() => void} changed `sizes` is another map now */
  constructor(changed) {
    this.#sizes = new PictureSizes(changed);
  }

  get sizes() {
    return this.#sizes.told;
  }

  /** These places are there now; new ones are measured at once, so that their pictures are asked for at once. @param {Place[]} places */
  follow(places) {
    const there = new Map(places.map(({ element, key }) => [element, key]));
    for (const [element, key] of this.#keys) if (there.get(element) !== key) this.#forget(element, key);
    for (const [element, key] of there) if (!this.#keys.has(element)) this.#add(element, key);
  }

  close() {
    this.#sizes.close();
    this.#resizes.disconnect();
    this.#views.disconnect();
  }

  /** @param {Element} element @param {string} key */
  #add(element, key) {
    this.#keys.set(element, key);
    this.#measure(element);
    this.#observe(element);
    this.#views.observe(element);
  }

  /** Of physical pixels, so that a window moved to a finer screen counts too. Not every browser tells of those. @param {Element} element */
  #observe(element) {
    try {
      this.#resizes.observe(element, { box: "device-pixel-content-box" });
    } catch {
      this.#resizes.observe(element);
    }
  }

  /** @param {Element} element @param {string} key */
  #forget(element, key) {
    this.#keys.delete(element);
    this.#outside.delete(element);
    this.#resizes.unobserve(element);
    this.#views.unobserve(element);
    this.#sizes.set(key, null);
  }

  /** @param {IntersectionObserverEntry} entry */
  #seen({ target, isIntersecting }) {
    if (isIntersecting) this.#outside.delete(target);
    else this.#outside.add(target);
    this.#measure(target);
  }

  /** @param {Element} element */
  #measure(element) {
    const key = this.#keys.get(element);
    if (key === undefined) return;
    const { width, height } = element.getBoundingClientRect();
    const size = { width: width * devicePixelRatio, height: height * devicePixelRatio };
    this.#sizes.set(key, this.#outside.has(element) ? null : size);
  }
}
