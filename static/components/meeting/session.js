import { LevelMeter } from "../../media/level-meter.js";
import { MediaLinks } from "../../media/links.js";
import { MeetingClock } from "../../models/clock.js";
import { EventOrder } from "../../models/event-order.js";
import { Meeting } from "../../models/meeting.js";
import { noticeOf } from "../../models/notices.js";
import { may } from "../../models/permissions.js";
import { Speakers } from "../../models/speakers.js";
import { SignallingClient } from "../../signalling/client.js";
import { SignallingError } from "../../signalling/errors.js";

/** @import { Kind, LocalMedia } from "../../media/local-media.js" */
/** @import { Notice } from "../../models/notices.js" */
/** @import { Demand, Heard, Hint, Link, MeetingEvent, Messages, Role, Source } from "../../models/shapes.js" */
/** @import { Sound } from "./sounds.js" */
/** @import { Connect, Joined } from "../../signalling/client.js" */

/** @type {readonly Kind[]} */
const KINDS = ["microphone", "camera"];
/** Often enough for the ring around one's own picture to seem immediate. */
const LEVEL_INTERVAL_MS = 250;
/** @type {readonly Source[]} */
const SCREEN = ["screen", "screen_audio"];

/**
 * One person's presence in a meeting, joined up: signalling, the model, both media connections, the devices.
 *
 * Tells `change` when something is to be drawn anew, `notice` (detail: Notice), `refused` (detail: SignallingError)
 * and `over` (detail: {code, messages}) when it has ended. What the devices do and what the server knows of them is
 * compared after every change and every return (`#reconcile`), so that no message lost in a break matters.
 */
export class MeetingSession extends EventTarget {
  /** @type {Meeting | null} */
  meeting = null;
  selfId = "";
  /** @type {Role | undefined} our role, known also after we were taken off the list at the end */
  role;
  speakers = new Speakers();
  /** @type {ReadonlyMap<string, Link>} how everybody's line fares, by participant id; empty while nobody tells */
  quality = new Map();
  /** @type {Hint} */
  screenHint = "detail";
  clock = new MeetingClock();
  #order = new EventOrder(0);
  #client;
  #media;
  #end = new AbortController();
  /** @type {Map<Source, boolean>} mutes the server has taken, until their event is here */
  #toldMuted = new Map();
  /** @type {LevelMeter | null} */
  #meter = null;
  /** @type {MediaStreamTrack | null} */
  #metered = null;
  #ownStreams = new WeakMap();

  /** @param {Connect} connect @param {string} token @param {LocalMedia} local */
  constructor(connect, token, local) {
    super();
    this.local = local;
    this.#client = new SignallingClient(connect, token, {
      after: () => this.meeting?.seq ?? null,
      joined: (joined) => this.#joined(joined),
      events: (events) => this.#arrived(events, { live: true }),
      media: ({ connection, state }) => state === "lost" && void this.#media.lost(connection),
      layers: ({ source, rids }) => void this.#media.layers(source, rids),
      renegotiate: () => void this.#media.renegotiate(),
      speakers: ({ speakers }) => this.#heard(speakers),
      quality: ({ links }) => this.#rated(links),
      lost: () => this.#lost(),
      closed: (end) => this.#over(end),
    });
    this.#media = new MediaLinks(
      {
        publish: (sdp, sources, hints) => this.#client.publish(sdp, sources, hints),
        subscribe: (demand) => this.#client.subscribe(demand),
        answer: (sdp) => this.#client.answer(sdp),
        renewMedia: () => this.#client.renewMedia(),
        doubted: () => this.#client.doubt(),
      },
      () => this.#changed(),
    );
    this.#listen();
  }

  get self() {
    return this.meeting?.participants.get(this.selfId);
  }

  get online() {
    return this.#client.state === "joined";
  }

  /** Something that had worked does not work now: the person is told that it heals itself. */
  get troubled() {
    return this.meeting !== null && (!this.online || this.#media.broken);
  }

  /** What is heard: one stream for each slot that carries sound. @returns {Sound[]} */
  get sounds() {
    const named = this.#media.slots.filter(
      ({ source }) => source === "microphone" || source === "screen_audio",
    );
    return [...named, ...this.#media.speakers];
  }

  /** @param {string} participantId @param {Source} source @returns {MediaStream | null} */
  streamOf(participantId, source) {
    if (participantId === this.selfId) return this.#ownStream(source);
    const slots = this.#media.slots;
    return (
      slots.find((slot) => slot.participant_id === participantId && slot.source === source)?.stream ?? null
    );
  }

  /** Everything wanted on screen and heard from now on. @param {Demand} demand */
  want(demand) {
    void this.#media.want(demand);
  }

  /** What is to be kept of a shared screen, the one that is shared now and the next. @param {Hint} hint */
  hintScreen(hint) {
    this.screenHint = hint;
    this.local.hintScreen(hint);
    void this.#media.hintScreen(hint);
    this.#changed();
  }

  /** A command of PROTOCOL.md. @param {string} type @param {object} [fields] @returns {Promise<boolean>} whether it was taken */
  async command(type, fields = {}) {
    try {
      await this.#client.command(type, fields);
      return true;
    } catch (error) {
      if (!this.#end.signal.aborted) this.#tell("refused", /** @type {SignallingError} */ (error));
      return false;
    }
  }

  /** Throws DeviceError when no screen was picked. */
  async share() {
    await this.local.share();
  }

  async stopSharing() {
    this.local.stopSharing();
    await this.#withdrawScreen();
  }

  /** Go, telling the server when it can be told. */
  async leave() {
    if (this.online) await this.command("leave");
    this.close();
  }

  close() {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#client.close();
    this.#media.close();
    this.#meter?.close();
  }

  #listen() {
    const { signal } = this.#end;
    this.local.addEventListener("change", () => void this.#reconcile(), { signal });
    this.local.addEventListener("screen_ended", () => void this.#withdrawScreen(), { signal });
    // Another network: what was open leads nowhere perhaps, and says so only after many seconds.
    globalThis.addEventListener("online", () => void this.#client.doubt(), { signal });
    const levels = setInterval(() => this.#listenToOneself(), LEVEL_INTERVAL_MS);
    signal.addEventListener("abort", () => clearInterval(levels), { once: true });
  }

  /** @param {Joined} joined */
  #joined({ participant_id, snapshot, events, ice_servers }) {
    this.selfId = participant_id;
    this.#media.iceServers = ice_servers ?? [];
    this.#toldMuted.clear();
    if (snapshot) this.#begin(new Meeting(snapshot));
    this.#arrived(events ?? [], { live: false });
    this.role = this.self?.role ?? this.role;
    if (!may(this.role, "publish")) this.local.stop();
    void this.#reconcile();
    void this.#media.returned();
  }

  /** @param {Meeting} meeting */
  #begin(meeting) {
    const previous = this.meeting;
    this.meeting = meeting;
    this.#order = new EventOrder(meeting.seq);
    if (!previous) return;
    meeting.chat.readAs(previous.chat);
    this.#obeyMutes();
  }

  /** Back after so long that the events are gone: what is muted now stays muted. */
  #obeyMutes() {
    for (const kind of KINDS) {
      if (this.self?.publishes(kind) && !this.self.sends(kind)) void this.local.set(kind, false);
    }
  }

  /** @param {MeetingEvent[]} events @param {{live: boolean}} how */
  #arrived(events, { live }) {
    for (const event of this.#order.push(events)) this.#apply(event, live);
    if (this.#order.gap) void this.#client.resume();
    this.#changed();
  }

  /** @param {MeetingEvent} event @param {boolean} live */
  #apply(event, live) {
    if (!this.meeting?.apply(event)) return;
    if (live) this.clock.observe(event.time);
    if (event.type.startsWith("Track") && event.data.participant_id === this.selfId) this.#ownTrack(event);
    const notice = live ? noticeOf(event, this.meeting, this.selfId) : null;
    if (notice) this.#tell("notice", notice);
  }

  /** @param {MeetingEvent} event */
  #ownTrack({ type, actor, data }) {
    this.#toldMuted.delete(data.source);
    const byOther = type === "TrackMuted" && actor !== this.selfId;
    if (byOther && KINDS.includes(data.source)) void this.local.set(data.source, false);
    else void this.#reconcile();
  }

  /** Bring the server's view of our devices in line with what they do. */
  async #reconcile() {
    this.#changed();
    if (!this.online || !may(this.role, "publish")) return;
    const { microphone, camera, screen } = this.local;
    await this.#media.send({ microphone: microphone.track, camera: camera.track, ...screen });
    for (const kind of KINDS) await this.#tellMuted(kind);
  }

  /** @param {Kind} source */
  async #tellMuted(source) {
    const muted = !this.local[source].on || this.local[source].track === null;
    const known = this.#toldMuted.get(source) ?? !this.self?.sends(source);
    if (!this.self?.publishes(source) || known === muted || !this.online) return;
    this.#toldMuted.set(source, muted);
    if (!(await this.command("mute", { source, muted }))) this.#toldMuted.delete(source);
  }

  async #withdrawScreen() {
    const sources = SCREEN.filter((source) => this.self?.publishes(source));
    await this.#media.withdraw(sources);
    for (const source of sources) await this.command("unpublish", { source });
  }

  #listenToOneself() {
    if (this.speakers.hear(this.selfId, this.#ownLevel(), performance.now())) this.#changed();
  }

  /** @param {Heard[]} speakers */
  #heard(speakers) {
    if (this.speakers.tell(speakers)) this.#changed();
  }

  /** @param {Record<string, Link>} links */
  #rated(links) {
    this.quality = new Map(Object.entries(links));
    this.#changed();
  }

  /** Without a line nobody tells who speaks and how lines fare; better nothing than what was. */
  #lost() {
    this.speakers.tell([]);
    this.#rated({});
  }

  #ownLevel() {
    const { track, on } = this.local.microphone;
    if (track !== this.#metered) {
      this.#meter?.close();
      this.#meter = track ? new LevelMeter(track) : null;
      this.#metered = track;
    }
    return on ? (this.#meter?.level() ?? 0) : 0;
  }

  /** One stream for each track, the same one every time: a view must not start its picture anew. @param {Source} source */
  #ownStream(source) {
    const track =
      source === "camera" ? this.local.camera.track : source === "screen" ? this.local.screen.screen : null;
    if (!track) return null;
    if (!this.#ownStreams.has(track)) this.#ownStreams.set(track, new MediaStream([track]));
    return this.#ownStreams.get(track);
  }

  /** @param {{code: string, messages: Messages}} end */
  #over(end) {
    this.close();
    this.#tell("over", end);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} type @param {Notice | SignallingError | {code: string, messages: Messages}} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
