/** @typedef {import("../../../static/player/timeline.js").MediaFile} MediaFile */

/**
 * A camera file of ten seconds, but for what is given.
 * @param {Partial<MediaFile>} given
 * @returns {MediaFile}
 */
export function file(given = {}) {
  return {
    name: "a-camera-1.webm",
    participant_id: "a",
    participant_name: "Trần Văn An",
    source: "camera",
    kind: "video",
    codec: "VP8",
    start_ms: 0,
    end_ms: 10_000,
    duration_ms: 10_000,
    size: 1_000,
    sha256: "00",
    gaps: [],
    url: "/a-camera-1.webm",
    ...given,
  };
}

/** A media element as far as the player knows one; the test moves its time. */
export class FakeMedia {
  currentTime = 0;
  readyState = 4;
  seeking = false;
  ended = false;
  paused = true;
  playbackRate = 1;
  /** @type {MediaError | null} */
  error = null;
  plays = 0;

  async play() {
    this.paused = false;
    this.plays += 1;
  }

  pause() {
    this.paused = true;
  }

  addEventListener() {}
  removeAttribute() {}
  load() {}
}
