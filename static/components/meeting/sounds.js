import { html, nothing, repeat } from "../../vendor/lit.mjs";
import { DcElement } from "../element.js";

/** @import { BoundSlot, SpeakerSlot } from "../../media/receiver.js" */

/** @typedef {BoundSlot | SpeakerSlot} Sound */

/**
 * Plays what is heard: one audio element for each slot, whoever speaks through it. Who moves from a speaker's slot to
 * one of their own is heard through the one or the other: the server sends a track once.
 *
 * A browser may refuse to play before the person has touched the page, after a reload for instance: then `blocked`
 * is sent, and `resume` to be called from a click.
 */
export class Sounds extends DcElement {
  static properties = { slots: { attribute: false }, speakerId: {} };

  constructor() {
    super();
    /** @type {Sound[]} */
    this.slots = [];
    this.speakerId = "";
  }

  render() {
    return repeat(
      this.slots,
      (slot) => slot.mid,
      (slot) => html`
        <audio autoplay .srcObject=${slot.stream} data-mid=${slot.mid}
          data-participant-id=${"participant_id" in slot ? slot.participant_id : nothing}
          data-source=${"source" in slot ? slot.source : nothing}></audio>
      `,
    );
  }

  updated() {
    for (const audio of this.#elements()) {
      void this.#route(audio);
      if (audio.paused) void this.#play(audio);
    }
  }

  /** Play all; to be called while the person clicks. */
  async resume() {
    await Promise.all(this.#elements().map((audio) => audio.play()));
  }

  #elements() {
    return [...this.querySelectorAll("audio")];
  }

  /** @param {HTMLAudioElement} audio */
  async #play(audio) {
    try {
      await audio.play();
    } catch (error) {
      // An element that got another stream meanwhile says AbortError, and plays on by itself.
      if (error instanceof DOMException && error.name === "NotAllowedError")
        this.dispatchEvent(new Event("blocked"));
    }
  }

  /** A loudspeaker that is unplugged is no reason for silence: the browser's own choice stays. @param {HTMLAudioElement} audio */
  async #route(audio) {
    if (!("setSinkId" in audio) || audio.sinkId === this.speakerId) return;
    await audio.setSinkId(this.speakerId).catch((error) => console.warn("Sounds", error));
  }
}

customElements.define("dc-sounds", Sounds);
