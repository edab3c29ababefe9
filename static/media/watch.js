/**
 * A peer that is there answers the browser's checks (STUN) every 2.5 s even when nothing is sent. The browser itself
 * waits two to three times as long before it says `disconnected`, and some fifteen seconds for `failed`; a laptop
 * that went to another network would stand still for all that time.
 */
const LOOK_INTERVAL_MS = 500;
const SILENCE_MS = 3500;
/** How long an interruption may last before the connection is built anew: shorter ones heal on the same path. */
const PATIENCE_MS = 1500;
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
/** @type {Partial<Record<LinkState, number>>} how long each state is borne before it counts as failed */
const DEADLINES = { connecting: CONNECT_DEADLINE_MS, interrupted: PATIENCE_MS };

/** Tells how a peer connection fares; `failed` comes at the latest when patience ends, and nothing after it. */
export class LinkWatch {
  /** @type {LinkState | null} */
  #state = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #deadline;
  #controller = new AbortController();
  #connection;
  #tell;
  #arrived = 0;
  #heardAt = 0;

  /** @param {RTCPeerConnection} connection @param {(state: LinkState) => void} tell */
  constructor(connection, tell) {
    this.#connection = connection;
    this.#tell = tell;
    const { signal } = this.#controller;
    connection.addEventListener("connectionstatechange", () => this.#connectionChanged(), { signal });
    const look = setInterval(() => void this.#look(), LOOK_INTERVAL_MS);
    signal.addEventListener("abort", () => clearInterval(look), { once: true });
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
    const arrived = arrivedOf(await this.#connection.getStats());
    if (this.#connection.connectionState !== "connected" || this.#controller.signal.aborted) return;
    const now = performance.now();
    if (arrived !== this.#arrived) this.#heardAt = now;
    this.#arrived = arrived;
    this.#set(now - this.#heardAt < SILENCE_MS ? "connected" : "interrupted");
  }

  /** @param {LinkState | undefined} state */
  #set(state) {
    if (!state || state === this.#state) return;
    this.#state = state;
    clearTimeout(this.#deadline);
    const patience = DEADLINES[state];
    if (patience) this.#deadline = setTimeout(() => this.#set("failed"), patience);
    if (state === "failed") this.close();
    this.#tell(state);
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
