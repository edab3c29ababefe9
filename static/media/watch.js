/**
 * A peer that is there answers the browser's checks (STUN) every 2.5 s even when nothing is sent. The browser itself
 * waits two to three times as long before it says `disconnected`, and some fifteen seconds for `failed`; a laptop
 * that went to another network would stand still for all that time.
 */
const LOOK_INTERVAL_MS = 300;
const SILENCE_MS = 3000;
const IDLE_SILENCE_MS = 3500;
/** Where packets came by the dozen, none for so long makes one doubt the line; that they were paused is possible. */
const DOUBT_MS = 1200;
const MANY = 4;
/** By then a server that can be reached has answered to the doubt. */
const SURE_MS = 2000;
/** How long an interruption may last before the connection is built anew: shorter ones heal on the same path. */
const PATIENCE_MS = 1000;
/** Where only checks are sent, one in 2.5 s, a lossy line swallows two in a row and is still a line. */
const IDLE_PATIENCE_MS = 5000;
/** What else a look shows is told so often: shares and rates of less say little. */
const TELL_INTERVAL_MS = 1000;
/** A first connection takes one or two round trips; one that takes this long finds no path. */
const CONNECT_DEADLINE_MS = 10_000;

/** @typedef {"connecting" | "connected" | "interrupted" | "failed"} LinkState */

/** @type {Partial<Record<RTCPeerConnectionState, LinkState>>} */
const STATES = {
  connecting: "connecting",
  connected: "connected",
  disconnected: "interrupted",
  failed: "failed",
};
/**
 * @typedef {object} LinkHandlers
 * @property {(state: LinkState) => void} state
 * @property {() => void} doubted once for each silence: nothing comes where much came before
 * @property {(report: RTCStatsReport) => void} [looked] once a second while connected
 */

/** Tells how a peer connection fares; `failed` comes at the latest when patience ends, and nothing after it. */
export class LinkWatch {
  /** @type {LinkState | null} */
  #state = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #deadline;
  #controller = new AbortController();
  #connection;
  #handlers;
  #arrived = 0;
  #heardAt = 0;
  /** Packets in the last looks in which any came. */
  #flow = [0, 0];
  #doubted = false;
  #toldAt = performance.now();

  /** @param {RTCPeerConnection} connection @param {LinkHandlers} handlers */
  constructor(connection, handlers) {
    this.#connection = connection;
    this.#handlers = handlers;
    const { signal } = this.#controller;
    connection.addEventListener("connectionstatechange", () => this.#connectionChanged(), { signal });
    const look = setInterval(() => void this.#look(), LOOK_INTERVAL_MS);
    signal.addEventListener("abort", () => clearInterval(look), { once: true });
  }

  /** Whether nothing has come for longer than a doubt takes to be answered, though much came before. */
  get silent() {
    return this.#doubted && performance.now() - this.#heardAt > SURE_MS;
  }

  close() {
    clearTimeout(this.#deadline);
    this.#controller.abort();
  }

  #connectionChanged() {
    this.#heardAt = performance.now();
    this.#set(STATES[this.#connection.connectionState]);
  }

  async #look() {
    const report = await this.#connection.getStats();
    if (this.#connection.connectionState !== "connected" || this.#controller.signal.aborted) return;
    this.#heard(arrivedOf(report));
    const silence = performance.now() - this.#heardAt;
    this.#doubt(silence > DOUBT_MS && this.#isBusy);
    this.#set(silence < (this.#isBusy ? SILENCE_MS : IDLE_SILENCE_MS) ? "connected" : "interrupted");
    if (performance.now() - this.#toldAt < TELL_INTERVAL_MS) return;
    this.#toldAt = performance.now();
    this.#handlers.looked?.(report);
  }

  /** @param {number} arrived */
  #heard(arrived) {
    if (arrived === this.#arrived) return;
    this.#flow = [this.#flow[1], arrived - this.#arrived];
    this.#arrived = arrived;
    this.#heardAt = performance.now();
  }

  get #isBusy() {
    return Math.max(...this.#flow) >= MANY;
  }

  /** How long a state is borne before it counts as failed, ms; 0 for ever. @param {LinkState} state */
  #patience(state) {
    if (state === "connecting") return CONNECT_DEADLINE_MS;
    if (state !== "interrupted") return 0;
    return this.#isBusy ? PATIENCE_MS : IDLE_PATIENCE_MS;
  }

  /** @param {boolean} doubted */
  #doubt(doubted) {
    if (doubted && !this.#doubted) this.#handlers.doubted();
    this.#doubted = doubted;
  }

  /** @param {LinkState | undefined} state */
  #set(state) {
    if (!state || state === this.#state) return;
    this.#state = state;
    clearTimeout(this.#deadline);
    const patience = this.#patience(state);
    if (patience) this.#deadline = setTimeout(() => this.#set("failed"), patience);
    if (state === "failed") this.close();
    this.#handlers.state(state);
  }
}

/** How much has come from the other side so far: media, control and answers to checks. @param {RTCStatsReport} report */
function arrivedOf(report) {
  let arrived = 0;
  report.forEach((entry) => {
    if (entry.type === "candidate-pair")
      arrived += (entry.packetsReceived ?? 0) + (entry.responsesReceived ?? 0);
  });
  return arrived;
}
