/** The far ends of the media connections, for pages under test: Chromium again, in place of a server. */

const MID = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";

/** The local description with its candidates in it, for nothing is trickled. @param {RTCPeerConnection} connection */
export async function gathered(connection) {
  while (connection.iceGatheringState !== "complete") await pause(20);
  return connection.localDescription?.sdp ?? "";
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {() => unknown} check @param {string} what @param {number} [withinMs] */
export async function until(check, what, withinMs = 20_000) {
  const deadline = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await pause(50);
  }
}

/**
 * Takes a simulcast of one camera, which Chromium itself only sends: to it each encoding is a section of its own,
 * told apart by what the sender calls RID and it MID.
 */
export class FarTaker {
  connection = new RTCPeerConnection();
  offers = 0;

  /** @param {string} offer with one section */
  async answer(offer) {
    this.offers += 1;
    const rids = [...offer.matchAll(/^a=rid:(\w+) send/gm)].map(([, rid]) => rid);
    await this.connection.setRemoteDescription({ type: "offer", sdp: spread(offer, rids) });
    await this.connection.setLocalDescription(await this.connection.createAnswer());
    return { sdp: gather(await gathered(this.connection), offer, rids) };
  }
}

/** @param {string} offer @param {string[]} rids */
function spread(offer, rids) {
  const [head, section] = parts(offer);
  const bare = lines(section)
    .filter((line) => !/^a=(rid|simulcast|ssrc|ssrc-group|msid):/.test(line))
    .filter((line) => !line.endsWith(` ${MID}`) && !line.endsWith(` ${REPAIRED_RID}`))
    .map((line) => line.replace(RID, MID));
  const bundle = head.replace(/a=group:BUNDLE.*/, `a=group:BUNDLE ${rids.join(" ")}`);
  const named = rids.map((rid) => bare.map((line) => line.replace(/^a=mid:.*/, `a=mid:${rid}`)));
  return bundle + named.map((section) => text(section)).join("");
}

/** @param {string} answer @param {string} offer @param {string[]} rids */
function gather(answer, offer, rids) {
  const mid = offer.match(/^a=mid:(.*)$/m)?.[1].trim() ?? "";
  const [head, sections] = parts(answer);
  const first = lines(sections.split(/(?=^m=)/m)[0]);
  const taken = first.map((line) => line.replace(MID, RID).replace(/^a=mid:.*/, `a=mid:${mid}`));
  const codec = offer.match(/^a=rtpmap:(\d+) VP8/m)?.[1];
  const more = [
    // As the server answers: else Chromium takes long to believe that the line bears the largest encoding.
    `a=fmtp:${codec} x-google-start-bitrate=800`,
    offer.match(new RegExp(`^a=extmap:\\d+ ${MID}`, "m"))?.[0] ?? "",
    ...rids.map((rid) => `a=rid:${rid} recv`),
    `a=simulcast:recv ${rids.join(";")}`,
  ];
  return head.replace(/a=group:BUNDLE.*/, `a=group:BUNDLE ${mid}`) + text([...taken, ...more]);
}

/** @param {string} sdp */
function parts(sdp) {
  const cut = sdp.indexOf("m=");
  return [sdp.slice(0, cut), sdp.slice(cut)];
}

/** @param {string} section */
function lines(section) {
  return section.split("\r\n").filter(Boolean);
}

/** @param {string[]} all */
function text(all) {
  return all.map((line) => `${line}\r\n`).join("");
}

/** Sends tracks to a page, as the server does: it offers slots, and puts other tracks into them. */
export class FarGiver {
  connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  /** @type {Map<string, RTCRtpTransceiver>} by `participant/source` */
  #slots = new Map();
  /** @type {RTCRtpTransceiver[]} */
  speakers = [];
  #source;

  /** @param {(key: string) => MediaStreamTrack | null} source what a participant sends, by `participant/source` */
  constructor(source) {
    this.#source = source;
  }

  /** The acknowledgement of `subscribe`. @param {{tracks: any[], speakers: number}} demand */
  async subscribe({ tracks, speakers }) {
    const before = this.connection.getTransceivers().length;
    for (const track of tracks) this.#slot(track);
    while (this.speakers.length < speakers) this.speakers.push(this.#add("audio", null));
    const grown = this.connection.getTransceivers().length > before;
    const sdp = grown ? await this.#offer() : null;
    const slots = tracks.map((track) => ({ ...track, mid: this.#slots.get(keyOf(track))?.mid }));
    return { sdp, slots, speakers: this.speakers.slice(0, speakers).map(({ mid }) => mid) };
  }

  /** @param {string} sdp */
  async answered(sdp) {
    await this.connection.setRemoteDescription({ type: "answer", sdp });
  }

  /** @param {string} key `participant/source` */
  slotOf(key) {
    return this.#slots.get(key);
  }

  /** @param {{participant_id: string, source: string}} track */
  #slot(track) {
    const key = keyOf(track);
    if (this.#slots.has(key)) return;
    const kind = track.source === "camera" || track.source === "screen" ? "video" : "audio";
    this.#slots.set(key, this.#add(kind, this.#source(key)));
  }

  /** @param {"audio" | "video"} kind @param {MediaStreamTrack | null} track */
  #add(kind, track) {
    return this.connection.addTransceiver(track ?? kind, { direction: "sendonly" });
  }

  async #offer() {
    await this.connection.setLocalDescription(await this.connection.createOffer());
    return gathered(this.connection);
  }
}

/** @param {{participant_id: string, source: string}} track */
function keyOf(track) {
  return `${track.participant_id}/${track.source}`;
}

/** A moving picture. @param {number} width @param {number} height @param {number} [hue] */
export function picture(width, height, hue = 210) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let turn = 0;
  setInterval(() => {
    turn += 1;
    pen.fillStyle = `hsl(${hue} 30% 40%)`;
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = `hsl(${hue} 45% 65%)`;
    pen.beginPath();
    pen.arc(width / 2, height * (0.45 + 0.02 * Math.sin(turn / 4)), height / 4, 0, 7);
    pen.ellipse(width / 2, height * 1.1, height / 2, height * 0.4, 0, 0, 7);
    pen.fill();
  }, 100);
  return canvas.captureStream(10).getVideoTracks()[0];
}
