// Injected into every page of a test before the page's own code: notes five times a second what the page's
// connections have received so far, by `getStats`. Read from Python by `receiving.py`.
//
// What a closed connection had counted stays in the notes: sums only grow, whatever the page builds anew.
(() => {
  const EVERY_MS = 200;
  const MOST_NOTES = 5 * 600;
  const COUNTED = {
    audio: [
      "packetsReceived",
      "totalSamplesReceived",
      "concealedSamples",
      "jitterBufferDelay",
      "jitterBufferEmittedCount",
    ],
    video: ["packetsReceived", "packetsLost", "bytesReceived", "freezeCount", "nackCount", "pliCount"],
  };

  /** @type {{connection: RTCPeerConnection, seen: Map<string, any>}[]} */
  const links = [];
  const notes = [];
  /** The last note before a time, and those after it. */
  const since = (at) => {
    const after = notes.findIndex((note) => note.at >= at);
    return notes.slice(Math.max(0, (after < 0 ? notes.length : after) - 1));
  };
  Object.defineProperty(window, "__receiving", { value: { since } });

  window.RTCPeerConnection = new Proxy(RTCPeerConnection, {
    construct(target, args, newTarget) {
      const connection = Reflect.construct(target, args, newTarget);
      links.push({ connection, seen: new Map() });
      return connection;
    },
  });

  const look = async ({ connection, seen }) => {
    if (connection.connectionState === "closed") return;
    for (const entry of (await connection.getStats()).values())
      if (entry.type === "inbound-rtp") seen.set(entry.id, entry);
  };

  const counters = (entry) =>
    Object.fromEntries(COUNTED[entry.kind].map((field) => [field, entry[field] ?? 0]));

  const note = () => {
    const taken = { at: performance.now(), audio: {}, video: {}, heights: [] };
    for (const [index, { connection, seen }] of links.entries())
      for (const entry of seen.values()) {
        taken[entry.kind][`${index} ${entry.id}`] = counters(entry);
        if (connection.connectionState !== "closed") taken.heights.push(entry.frameHeight ?? 0);
      }
    notes.push(taken);
    if (notes.length > MOST_NOTES) notes.shift();
  };

  const watch = async () => {
    await Promise.allSettled(links.map(look));
    if (links.length) note();
    setTimeout(watch, EVERY_MS);
  };
  watch();
})();
