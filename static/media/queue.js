/** Runs asynchronous steps one after the other: a peer connection bears only one negotiation at a time. */
export class Queue {
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();

  /**
   * @template T
   * @param {() => Promise<T>} step
   * @returns {Promise<T>} what the step gives; its failure does not hold up the next one
   */
  run(step) {
    const result = this.#last.then(step);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
