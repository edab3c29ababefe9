/** @import { Hint, Source } from "../models/shapes.js" */

/** @typedef {RTCRtpEncodingParameters & {scalabilityMode?: string}} Encoding with what WebRTC-SVC adds */

/**
 * What the encodings of each source are, and what each may send at most. Nothing here touches a connection.
 *
 * Three temporal layers in each: the server thins a picture out to a half or a quarter of its frames without asking
 * for another one. The mode must be said: without it Chromium takes VP9 and AV1 for one encoding with spatial layers.
 */
const TEMPORAL = "L1T3";
const CAMERA_FRAMERATE = 30;

/** What a camera's picture needs by its long side, px: a face at 720p is good from 1.2 Mbit/s. */
const CAMERA_BITRATES = [
  { upTo: 240, maxBitrate: 100_000 },
  { upTo: 320, maxBitrate: 150_000 },
  { upTo: 640, maxBitrate: 500_000 },
  { upTo: 1280, maxBitrate: 1_300_000 },
  { upTo: Number.POSITIVE_INFINITY, maxBitrate: 2_500_000 },
];

/**
 * Of how many pixels on a picture is sent in so many encodings. Chromium sends no more than that, and leaves out the
 * largest, so that a camera of 640 by 480 with three would be seen in 320 by 240 at best.
 */
const CAMERA_ENCODINGS = [
  { from: 960 * 540, rids: ["l", "m", "h"] },
  { from: 480 * 270, rids: ["m", "h"] },
  { from: 0, rids: [""] },
];
/** Over a line that loses much: at most so large by the long side, px, and so fast. */
const LIGHT = { side: 480, maxBitrate: 200_000 };
const USUAL_CAMERA = { width: 1280, height: 720 };

/**
 * Letters stay sharp at all of their size and only come more seldom; a film keeps moving and gets smaller. The low
 * one is what a viewer behind 300 kbit/s gets, with room left for a voice: one to five pictures a second. It has no
 * temporal layers, for in Chromium with them a page of text is still blurred when the next one comes.
 * @type {Record<Hint, Encoding[]>}
 */
const SCREEN = {
  detail: [
    { rid: "l", scaleResolutionDownBy: 1, scalabilityMode: "L1T1", maxBitrate: 200_000, maxFramerate: 5 },
    { rid: "h", scaleResolutionDownBy: 1, scalabilityMode: "L1T3", maxBitrate: 2_500_000, maxFramerate: 15 },
  ],
  motion: [
    { rid: "l", scaleResolutionDownBy: 4, scalabilityMode: "L1T3", maxBitrate: 200_000, maxFramerate: 30 },
    { rid: "h", scaleResolutionDownBy: 1, scalabilityMode: "L1T3", maxBitrate: 3_000_000, maxFramerate: 30 },
  ],
};

/** Speech in Opus gains nothing above 40 kbit/s. @type {Record<"microphone" | "screen_audio", number>} */
const SOUND_BITRATES = { microphone: 40_000, screen_audio: 96_000 };

/**
 * The encodings of a source's track. Their number stays as it was when the source was published first: where the next
 * camera is too small for as many, the last ones are not sent.
 * @param {Source} source
 * @param {{width?: number, height?: number}} size of the track's picture, px; 0 or none for what is not known
 * @param {Hint} hint
 * @param {RTCRtpEncodingParameters[]} [before] those of the source's first track
 * @returns {Encoding[]}
 */
export function encodingsOf(source, size, hint, before) {
  if (source === "camera") return cameraEncodings(size.width && size.height ? size : USUAL_CAMERA, before);
  if (source === "screen") return SCREEN[hint].map((encoding) => ({ ...encoding, active: true }));
  return [{ active: true, maxBitrate: SOUND_BITRATES[source] }];
}

/** @param {{width?: number, height?: number}} size @param {RTCRtpEncodingParameters[]} [before] */
function cameraEncodings({ width = 0, height = 0 }, before) {
  const fitting = CAMERA_ENCODINGS.find(({ from }) => width * height >= from)?.rids ?? [""];
  const rids = before ? before.map(({ rid = "" }) => rid) : fitting;
  const sent = Math.min(rids.length, fitting.length);
  const side = Math.max(width, height);
  return rids.map((rid, index) =>
    cameraEncoding(rid, side, 2 ** Math.max(0, sent - 1 - index), index < sent),
  );
}

/** @param {string} rid empty for the only one @param {number} side the long one, px @param {number} scale @param {boolean} active */
function cameraEncoding(rid, side, scale, active) {
  const maxBitrate = CAMERA_BITRATES.find(({ upTo }) => side / scale <= upTo)?.maxBitrate;
  const limits = { active, maxBitrate, maxFramerate: CAMERA_FRAMERATE };
  if (!rid) return limits;
  return { rid, scaleResolutionDownBy: scale, scalabilityMode: TEMPORAL, ...limits };
}

/**
 * A camera's encodings for a line that loses much: a picture of one or two packets is there more often than one of
 * five, and the rest of the rate is left to what is sent again.
 * @param {Encoding[]} encodings
 * @param {{width?: number, height?: number}} size of the track's picture, px
 * @returns {Encoding[]}
 */
export function lightened(encodings, { width, height }) {
  const side = Math.max(width ?? 0, height ?? 0) || USUAL_CAMERA.width;
  return encodings.map(({ scaleResolutionDownBy = 1, maxBitrate = LIGHT.maxBitrate, ...encoding }) => ({
    ...encoding,
    scaleResolutionDownBy: Math.max(scaleResolutionDownBy, side / LIGHT.side),
    maxBitrate: Math.min(maxBitrate, LIGHT.maxBitrate),
  }));
}

/**
 * Bring a sender's encodings in line with what is planned, with those paused that nobody wants.
 * @param {RTCRtpEncodingParameters[]} encodings as the sender has them; what it does not take is left alone
 * @param {RTCRtpEncodingParameters[]} planned
 * @param {readonly string[] | null} wanted the rids; null for all, none at all also stops a single encoding
 * @returns {boolean} whether anything is different now
 */
export function arrangeEncodings(encodings, planned, wanted) {
  const before = JSON.stringify(encodings);
  const sent = sentOf(planned, wanted);
  for (const encoding of encodings) {
    const plan = planned.find(({ rid }) => rid === encoding.rid) ?? (planned.length === 1 ? planned[0] : {});
    Object.assign(encoding, { ...plan, rid: encoding.rid, active: sent.includes(plan.rid) });
  }
  return JSON.stringify(encodings) !== before;
}

/** Whoever wants an encoding that is not to be had gets the largest there is. @param {RTCRtpEncodingParameters[]} planned @param {readonly string[] | null} wanted */
function sentOf(planned, wanted) {
  const possible = planned.filter(({ active }) => active).map(({ rid }) => rid);
  if (!wanted) return possible;
  const impossible = planned.some(({ rid, active }) => !active && wanted.includes(rid ?? ""));
  const all = impossible ? [...wanted, possible.at(-1)] : wanted;
  return possible.filter((rid) => (rid ? all.includes(rid) : all.length > 0));
}
