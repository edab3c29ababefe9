/** @typedef {{event: string, data: any, acknowledge: (answer: unknown) => void, fail: () => void}} Sent */

/** A Socket.IO socket whose server is the test: it answers when it is told to, and breaks when asked. */
export class FakeSocket {
  connected = false;
  active = true;
  /** @type {Sent[]} */
  sent = [];
  connects = 0;
  engineClosed = 0;
  io = { engine: { close: () => this.#closeEngine() } };
  /** @type {Map<string, (...args: any[]) => void>} */
  #listeners = new Map();

  /** @param {string} event @param {(...args: any[]) => void} listener */
  on(event, listener) {
    this.#listeners.set(event, listener);
  }

  timeout() {
    return { emitWithAck: (/** @type {string} */ event, /** @type {any} */ data) => this.#emit(event, data) };
  }

  connect() {
    this.connects += 1;
  }

  disconnect() {
    this.connected = false;
  }

  open() {
    this.connected = true;
    this.server("connect");
  }

  /** @param {string} reason */
  break(reason = "transport close") {
    this.connected = false;
    this.server("disconnect", reason);
  }

  /** Something comes from the server. @param {string} event @param {...any} args */
  server(event, ...args) {
    this.#listeners.get(event)?.(...args);
  }

  /** Answer the oldest unanswered message, and let the client take it in. @param {unknown} answer */
  async answer(answer) {
    this.sent.shift()?.acknowledge(answer);
    await settled();
  }

  async fail() {
    this.sent.shift()?.fail();
    await settled();
  }

  #closeEngine() {
    this.engineClosed += 1;
    this.break();
  }

  /** @param {string} event @param {any} data */
  #emit(event, data) {
    return new Promise((acknowledge, reject) => {
      this.sent.push({ event, data, acknowledge, fail: () => reject(new Error("operation has timed out")) });
    });
  }
}

/** Let every promise that can go on do so. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}
