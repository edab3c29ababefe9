import { bufferFor } from "../models/playout.js";

/**
 * Has sound and pictures wait so long before they are played that what was lost can come again in time. Without
 * being told, Chromium plays a picture that was repaired late at once, or not at all: it does not know how long a
 * repair takes over a connection that only receives.
 */
export class Playout {
  #connection;
  #buffer = { target: 0, calm: 0 };
  #before = { packets: 0, requests: 0 };

  /** @param {RTCPeerConnection} connection one that receives */
  constructor(connection) {
    this.#connection = connection;
  }

  /** What is known of it now, once a second. @param {RTCStatsReport} report */
  look(report) {
    const { packets, requests, roundTrip } = countsOf(report);
    const before = this.#before;
    this.#before = { packets, requests };
    const asked = (requests - before.requests) / Math.max(1, packets - before.packets);
    this.#buffer = bufferFor(this.#buffer, asked, roundTrip * 1000);
    this.#apply(this.#buffer.target || null);
  }

  /** @param {number | null} target ms; null leaves it to the browser */
  #apply(target) {
    for (const { receiver } of this.#connection.getTransceivers()) {
      if (receiver.jitterBufferTarget !== target) receiver.jitterBufferTarget = target;
    }
  }
}

/** Video packets that came, requests for those that did not, and the round trip in seconds. @param {RTCStatsReport} report */
function countsOf(report) {
  const counts = { packets: 0, requests: 0, roundTrip: 0 };
  report.forEach((entry) => {
    if (entry.type === "inbound-rtp" && entry.kind === "video") {
      counts.packets += entry.packetsReceived ?? 0;
      counts.requests += entry.nackCount ?? 0;
    } else if (entry.type === "candidate-pair" && entry.nominated) {
      counts.roundTrip = Math.max(counts.roundTrip, entry.currentRoundTripTime ?? 0);
    }
  });
  return counts;
}
