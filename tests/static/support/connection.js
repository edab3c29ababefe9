/** A peer connection that tells what a test says of it. */

/** The entries of a report by any names. @param {object[]} entries @returns {any} */
export function reportOf(...entries) {
  return new Map(entries.map((entry, index) => [String(index), entry]));
}

/** What of an RTCPeerConnection is watched: its state, its statistics, its receivers. */
export class WatchedConnection extends EventTarget {
  connectionState = "new";
  arrived = 0;
  receivers = [{ jitterBufferTarget: null }, { jitterBufferTarget: null }];

  /** @param {string} state */
  become(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }

  async getStats() {
    return reportOf({ type: "candidate-pair", packetsReceived: this.arrived, responsesReceived: 0 });
  }

  getTransceivers() {
    return this.receivers.map((receiver) => ({ receiver }));
  }
}
