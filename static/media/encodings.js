/** @import { Hint, Source } from "../models/shapes.js" */

/**
 * What the encodings of each source are, and what each may send at most. Nothing here touches a connection.
 *
 * Three temporal layers in each (L1T3) let the server thin a picture out without asking for another one: Chromium
 * gives half of the frames to the two upper layers' halves, so that a viewer can have a quarter of the rate.
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

/** From this long side on, px, a camera sends this many encodings: below 160 px a picture shows nothing. */
const CAMERA_ENCODINGS = [
  { from: 640, rids: ["l", "m", "h"] },
  { from: 320, rids: ["m", "h"] },
];
/** @type {Record<string, number>} */
const SCALES = { l: 4, m: 2, h: 1 };

/**
 * Letters stay sharp at all of their size and only come more seldom; a film keeps moving and gets smaller. The low
 * one is what a viewer behind 300 kbit/s gets, with room left for a voice.
 * @type {Record<Hint, RTCRtpEncodingParameters[]>}
 */
const SCREEN = {
  detail: [
    { rid: "l", scaleResolutionDownBy: 1, maxBitrate: 200_000, maxFramerate: 5 },
    { rid: "h", scaleResolutionDownBy: 1, maxBitrate: 2_500_000, maxFramerate: 15 },
  ],
  motion: [
    { rid: "l", scaleResolutionDownBy: 4, maxBitrate: 200_000, maxFramerate: 30 },
    { rid: "h", scaleResolutionDownBy: 1, maxBitrate: 3_000_000, maxFramerate: 30 },
  ],
};

/** Speech in Opus gains nothing above 40 kbit/s. @type {Record<"microphone" | "screen_audio", number>} */
const SOUND_BITRATES = { microphone: 40_000, screen_audio: 96_000 };

/**
 * The encodings with which a source is published for the first time; their number stays.
 * @param {Source} source
 * @param {{width?: number, height?: number}} size of the track's picture, px
 * @param {Hint} hint
 * @returns {RTCRtpEncodingParameters[]}
 */
export function encodingsOf(source, size, hint) {
  if (source === "camera") return cameraEncodings(Math.max(size.width ?? 0, size.height ?? 0));
  if (source === "screen") return SCREEN[hint].map((encoding) => ({ ...encoding }));
  return [{ maxBitrate: SOUND_BITRATES[source] }];
}

/** @param {number} side the long one, px; 0 for one that is not known and taken for 720p */
function cameraEncodings(side) {
  const known = side || 1280;
  const rids = CAMERA_ENCODINGS.find(({ from }) => known >= from)?.rids;
  if (!rids) return [{ maxBitrate: cameraBitrate(known), maxFramerate: CAMERA_FRAMERATE }];
  return rids.map((rid) => cameraEncoding(rid, known));
}

/** @param {string} rid @param {number} side */
function cameraEncoding(rid, side) {
  const scale = SCALES[rid];
  const limits = { maxBitrate: cameraBitrate(side / scale), maxFramerate: CAMERA_FRAMERATE };
  return { rid, scaleResolutionDownBy: scale, scalabilityMode: TEMPORAL, ...limits };
}

/** @param {number} side */
function cameraBitrate(side) {
  return CAMERA_BITRATES.find(({ upTo }) => side <= upTo)?.maxBitrate;
}

/**
 * What is to be changed at a sender's encodings so that they are as planned, with those paused that nobody wants.
 * @param {RTCRtpEncodingParameters[]} encodings as the sender has them; what it does not take is left alone
 * @param {RTCRtpEncodingParameters[]} planned
 * @param {readonly string[] | null} wanted the rids; null for all, none at all also stops a single encoding
 * @returns {boolean} whether anything is different now
 */
export function arrangeEncodings(encodings, planned, wanted) {
  const before = JSON.stringify(encodings);
  for (const encoding of encodings) {
    const plan = planned.find(({ rid }) => rid === encoding.rid) ?? (planned.length === 1 ? planned[0] : {});
    Object.assign(encoding, plan, { active: isWanted(encoding.rid, wanted) });
  }
  return JSON.stringify(encodings) !== before;
}

/** @param {string | undefined} rid @param {readonly string[] | null} wanted */
function isWanted(rid, wanted) {
  if (!wanted) return true;
  return rid ? wanted.includes(rid) : wanted.length > 0;
}
