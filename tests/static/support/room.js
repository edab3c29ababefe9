/** A meeting room in a page, with the test for a server: what the server would tell is told with `server`. */
import "../../../static/components/meeting/meeting-room.js";
import { MeetingSession } from "../../../static/components/meeting/session.js";
import { LocalMedia } from "../../../static/media/local-media.js";
import { FarGiver, gathered } from "./far.js";
import { snapshot } from "./meetings.js";

/** @import { ParticipantShape, Snapshot } from "../../../static/models/shapes.js" */

/** Answers what a page sends, as PROTOCOL.md says. */
class RoomServer {
  connected = true;
  active = true;
  io = { engine: { close: () => undefined } };
  /** @type {{event: string, data: any}[]} */
  sent = [];
  /** @type {Map<string, (...args: any[]) => void>} */
  #listeners = new Map();
  #taker = new RTCPeerConnection();
  #snapshot;
  #giver;

  /** @param {Snapshot} snapshot @param {FarGiver | null} giver null to send nothing */
  constructor(snapshot, giver) {
    this.#snapshot = snapshot;
    this.#giver = giver;
  }

  /** @param {string} event @param {(...args: any[]) => void} listener */
  on(event, listener) {
    this.#listeners.set(event, listener);
    if (event === "connect") setTimeout(listener);
  }

  timeout() {
    return {
      emitWithAck: async (/** @type {string} */ event, /** @type {any} */ data) => {
        this.sent.push({ event, data });
        return { ok: true, ...(await this.#answer(event, data)) };
      },
    };
  }

  connect() {}

  disconnect() {}

  /** @param {string} event @param {unknown} data */
  tell(event, data) {
    this.#listeners.get(event)?.(data);
  }

  /** @param {string} event @param {any} data @returns {Promise<object>} */
  async #answer(event, data) {
    if (event === "join") return { participant_id: "me", seq: this.#snapshot.seq, snapshot: this.#snapshot };
    if (event === "publish") return this.#take(data.sdp);
    if (event === "answer") await this.#giver?.answered(data.sdp);
    if (event !== "subscribe") return { seq: this.#snapshot.seq };
    return this.#giver ? this.#giver.subscribe(data) : { sdp: null, slots: [], speakers: [] };
  }

  /** @param {string} offer */
  async #take(offer) {
    await this.#taker.setRemoteDescription({ type: "offer", sdp: offer });
    await this.#taker.setLocalDescription(await this.#taker.createAnswer());
    return { sdp: await gathered(this.#taker) };
  }
}

/**
 * Show a room with these participants, oneself being "me".
 * @param {ParticipantShape[]} participants
 * @param {{source?: (key: string) => MediaStreamTrack | null, devices?: boolean, changes?: Partial<Snapshot>}} [how]
 *   `source` gives what others send; without it nothing is received
 */
export async function openRoom(participants, { source, devices = false, changes = {} } = {}) {
  const giver = source ? new FarGiver(source) : null;
  const server = new RoomServer(snapshot(participants, changes), giver);
  const local = new LocalMedia();
  if (devices) await local.start();
  const session = new MeetingSession(() => /** @type {any} */ (server), "token", local);
  await new Promise((resolve) => {
    session.addEventListener("change", () => session.meeting && resolve(undefined));
  });
  const room = document.createElement("dc-meeting-room");
  Object.assign(room, { session });
  document.getElementById("app")?.replaceChildren(room);
  return { session, server, giver, local };
}
