import { amplitude } from "../media/amplitude.js";

/**
 * How loud each sound element is at this moment. Needs a gesture of the viewer before, as browsers demand for sound.
 */
export class SoundLevels {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {WeakMap<HTMLMediaElement, AnalyserNode>} */
  #analysers = new WeakMap();
  #samples = new Float32Array(512);

  /** Call from the handler of a click or key. */
  async wake() {
    this.#context ??= new AudioContext();
    await this.#context.resume();
  }

  /**
   * The amplitude of what the element plays now, 0..1; 0 before `wake`.
   * @param {HTMLMediaElement} element
   */
  level(element) {
    if (this.#context?.state !== "running") return 0;
    return amplitude(this.#analyser(this.#context, element), this.#samples);
  }

  /**
   * @param {AudioContext} context
   * @param {HTMLMediaElement} element
   */
  #analyser(context, element) {
    const known = this.#analysers.get(element);
    if (known) return known;
    const analyser = new AnalyserNode(context, { fftSize: this.#samples.length });
    context.createMediaElementSource(element).connect(analyser).connect(context.destination);
    this.#analysers.set(element, analyser);
    return analyser;
  }

  close() {
    this.#context?.close();
  }
}
