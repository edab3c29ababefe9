import { amplitude } from "./amplitude.js";

/** Below this a room counts as silent, dBFS. */
const FLOOR_DB = -60;
/** Speech close to a microphone; more is as loud as the bar goes, dBFS. */
const CEILING_DB = -12;

/** Loudness of a microphone track of our own. */
export class LevelMeter {
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  #source;
  #samples;

  /** @param {MediaStreamTrack} track */
  constructor(track) {
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
    // A page that captures may start sound at once, but not every browser keeps to that.
    void this.#context.resume();
  }

  /** The amplitude now, 0..1. */
  level() {
    return amplitude(this.#analyser, this.#samples);
  }

  close() {
    this.#source.disconnect();
    void this.#context.close();
  }
}

/** How far a bar reaches, 0..1, for an amplitude: ears hear decibels. @param {number} level */
export function barOf(level) {
  const decibels = 20 * Math.log10(Math.max(level, 1e-6));
  return Math.min(1, Math.max(0, (decibels - FLOOR_DB) / (CEILING_DB - FLOOR_DB)));
}
