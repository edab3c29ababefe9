// Injected into every page of a test before the page's own code: notes five times a second what the page's
// connections have received and sent so far, by `getStats`. Read from Python by `receiving.py`.
//
// What a closed connection had counted stays in the sums: they only grow, whatever the page builds anew.
(() => {
  const EVERY_MS = 200;
  const MOST_NOTES = 5 * 600;
  const COUNTED = {
    audio: [
      "packetsReceived",
      "packetsLost",
      "bytesReceived",
      "totalSamplesReceived",
      "concealedSamples",
      "jitterBufferDelay",
      "jitterBufferEmittedCount",
      "fecPacketsReceived",
      "retransmittedPacketsReceived",
    ],
    video: [
      "packetsReceived",
      "packetsLost",
      "bytesReceived",
      "framesDecoded",
      "keyFramesDecoded",
      "framesDropped",
      "freezeCount",
      "totalFreezesDuration",
      "jitterBufferDelay",
      "jitterBufferEmittedCount",
      "nackCount",
      "pliCount",
      "retransmittedPacketsReceived",
    ],
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
      if (entry.type === "inbound-rtp" || entry.type === "outbound-rtp") seen.set(entry.id, entry);
  };

  const sum = (entries, field) => entries.reduce((total, entry) => total + (entry[field] ?? 0), 0);

  const alive = ({ connection }) => connection.connectionState !== "closed";

  const note = () => {
    const entries = links.flatMap(({ seen }) => [...seen.values()]);
    const current = links.filter(alive).flatMap(({ seen }) => [...seen.values()]);
    const taken = { at: performance.now(), links: links.length };
    for (const [kind, fields] of Object.entries(COUNTED)) {
      // A place that nobody has spoken in yet plays silence, which is no loss.
      const got = entries.filter((e) => e.type === "inbound-rtp" && e.kind === kind && e.packetsReceived > 0);
      taken[kind] = Object.fromEntries(fields.map((field) => [field, sum(got, field)]));
    }
    const video = current.filter((e) => e.kind === "video");
    taken.heights = video.filter((e) => e.type === "inbound-rtp").map((e) => e.frameHeight ?? 0);
    const sent = video.filter((e) => e.type === "outbound-rtp");
    taken.sent = {
      bytes: sum(entries.filter((e) => e.type === "outbound-rtp" && e.kind === "video"), "bytesSent"),
      target_bps: sum(sent, "targetBitrate"),
      layers: sent.map((e) => [e.rid ?? "", e.frameHeight ?? 0, e.framesPerSecond ?? 0, e.qualityLimitationReason]),
    };
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
