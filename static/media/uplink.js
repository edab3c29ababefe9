import { UplinkFloor } from "../models/uplink-floor.js";

/** A face at 15 pictures a second, a voice, and what is sent again, kbit/s. */
const FLOOR_KBPS = 500;

/** Watches how a publishing connection loses, and says when its rate should not be let fall for that. */
export class Uplink {
  #floor = new UplinkFloor();
  #changed;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** Whether much is lost on the way: what is sent must leave room for what is sent again. */
  get lossy() {
    return this.#floor.held;
  }

  /** What the other side reports, once a second. @param {RTCStatsReport} report */
  look(report) {
    const look = lookOf(report);
    if (look && this.#floor.look(look)) this.#changed();
  }

  /** An answer that also tells Chromium the least rate to assume; other browsers take no notice. @param {string} sdp */
  steer(sdp) {
    if (!this.#floor.held) return sdp;
    const sections = sdp.split(/(?=^m=)/m);
    return sections.map((section) => videoTypes(section).reduce(withFloor, section)).join("");
  }
}

/** @param {string} section of a description */
function videoTypes(section) {
  return [...section.matchAll(/^a=rtpmap:(\d+) (?:VP8|VP9|H264|AV1)\/90000\r$/gm)].map(([, type]) => type);
}

/** A payload type has at most one line of parameters (RFC 8866, 6.15). @param {string} section @param {string} type */
function withFloor(section, type) {
  const floor = `x-google-min-bitrate=${FLOOR_KBPS}`;
  const parameters = new RegExp(`^a=fmtp:${type} [^\r]*`, "m");
  if (parameters.test(section)) return section.replace(parameters, (line) => `${line};${floor}`);
  return section.replace(
    new RegExp(`^a=rtpmap:${type} .*\r\n`, "m"),
    (line) => `${line}a=fmtp:${type} ${floor}\r\n`,
  );
}

/** What the other side reports of our sound; null before it does, and where none is sent. @param {RTCStatsReport} report */
function lookOf(report) {
  /** @type {{lost: number, roundTrip: number} | null} */
  let look = null;
  report.forEach((entry) => {
    if (entry.type !== "remote-inbound-rtp" || entry.kind !== "audio" || !entry.roundTripTime) return;
    look = { lost: entry.fractionLost ?? 0, roundTrip: entry.roundTripTime * 1000 };
  });
  return look;
}
