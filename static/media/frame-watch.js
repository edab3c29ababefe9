/** A picture that has stood still for so long is not one that merely stutters. */
const STILL_MS = 2000;
const LOOK_INTERVAL_MS = 500;

/**
 * Tells when a video's pictures stop coming and when they come again, by what the page is given to show. One picture
 * is waited for at a time: thirty calls a second for each of forty tiles would cost more than they tell.
 */
export class FrameWatch {
  #video;
  #tell;
  #still = false;
  #seenAt = performance.now();
  /** @type {number | null} the call that is waited for */
  #awaited = null;
  #timer;

  /** @param {HTMLVideoElement} video @param {(still: boolean) => void} tell */
  constructor(video, tell) {
    this.#video = video;
    this.#tell = tell;
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
    this.#await();
  }

  close() {
    clearInterval(this.#timer);
    if (this.#awaited !== null) this.#video.cancelVideoFrameCallback(this.#awaited);
  }

  #await() {
    if (!("requestVideoFrameCallback" in this.#video)) return clearInterval(this.#timer);
    this.#awaited = this.#video.requestVideoFrameCallback(() => this.#arrived());
  }

  #arrived() {
    this.#awaited = null;
    this.#seenAt = performance.now();
    this.#set(false);
  }

  /** A page out of sight is shown no pictures. */
  #look() {
    if (document.hidden) this.#seenAt = performance.now();
    if (this.#awaited === null) this.#await();
    else if (performance.now() - this.#seenAt > STILL_MS) this.#set(true);
  }

  /** @param {boolean} still */
  #set(still) {
    if (still === this.#still) return;
    this.#still = still;
    this.#tell(still);
  }
}
