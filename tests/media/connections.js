// Injected into every page of a test before the page's own code: keeps the page's connections to be asked what they
// send and receive (`getStats`), and waits inside the page for what is measured in milliseconds.
(() => {
  const connections = [];
  window.RTCPeerConnection = new Proxy(RTCPeerConnection, {
    construct(target, args, newTarget) {
      const connection = Reflect.construct(target, args, newTarget);
      connections.push(connection);
      return connection;
    },
  });

  /** All statistics of one type of all open connections, with the codec's name in each. */
  const stats = async (type) => {
    const found = [];
    for (const connection of connections) {
      if (connection.connectionState === "closed") continue;
      const report = await connection.getStats();
      for (const entry of report.values())
        if (entry.type === type) found.push({ ...entry, codec: report.get(entry.codecId)?.mimeType ?? null });
    }
    return found;
  };

  /** What each encoding of the camera may do now, as the page has set it. */
  const encodings = () =>
    connections
      .filter(({ connectionState }) => connectionState !== "closed")
      .flatMap((connection) => connection.getSenders())
      .filter(({ track }) => track?.kind === "video")
      .flatMap((sender) => sender.getParameters().encodings);

  const shown = (participantId) =>
    [...document.querySelectorAll("video")].filter((video) => video.dataset.participantId === participantId);

  /**
   * Do something, then wait until a participant's picture has these lines, or one more or less: for some codecs
   * Chromium makes the number even. How long that took, ms.
   */
  const untilHeight = (act, participantId, lines, within) =>
    new Promise((done, failed) => {
      const began = performance.now();
      const look = () => {
        const waited = performance.now() - began;
        if (shown(participantId).some(({ videoHeight }) => Math.abs(videoHeight - lines) <= 1))
          return done(waited);
        if (waited > within) return failed(new Error(`no picture of ${lines} lines within ${within} ms`));
        setTimeout(look, 5);
      };
      act();
      look();
    });

  Object.defineProperty(window, "__connections", { value: { stats, encodings, untilHeight } });
})();
