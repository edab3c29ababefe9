/** @import { ParticipantShape, Role, Source, TrackShape } from "./shapes.js" */

/** One connection's presence in a meeting. A value: every change gives a new one, so that views can compare. */
export class Participant {
  /** @param {ParticipantShape} shape */
  constructor(shape) {
    this.id = shape.participant_id;
    this.name = shape.name;
    /** @type {Role} */
    this.role = shape.role;
    this.kind = shape.kind;
    this.connected = shape.connected;
    this.joinedAt = shape.joined_at;
    this.handRaisedAt = shape.hand_raised_at;
    /** @type {readonly TrackShape[]} */
    this.tracks = Object.freeze([...shape.tracks]);
    Object.freeze(this);
  }

  /** @param {Partial<ParticipantShape>} changes */
  with(changes) {
    return new Participant({ ...this.#shape(), ...changes });
  }

  /** @param {Source} source */
  publishes(source) {
    return this.tracks.some((track) => track.source === source);
  }

  /** Published and not muted: something is to be seen or heard. @param {Source} source */
  sends(source) {
    return this.tracks.some((track) => track.source === source && !track.muted);
  }

  /** @param {Source} source @param {boolean} muted */
  withTrack(source, muted) {
    return this.with({ tracks: [...this.#tracksWithout(source), { source, muted }] });
  }

  /** With a track that brings nothing, or something again. @param {Source} source @param {boolean} lost */
  withLoss(source, lost) {
    /** @param {TrackShape} track @returns {TrackShape} */
    const changed = ({ source, muted }) => (lost ? { source, muted, lost } : { source, muted });
    return this.with({
      tracks: this.tracks.map((track) => (track.source === source ? changed(track) : track)),
    });
  }

  /** @param {Source} source */
  withoutTrack(source) {
    return this.with({ tracks: this.#tracksWithout(source) });
  }

  /** @param {Source} source */
  #tracksWithout(source) {
    return this.tracks.filter((track) => track.source !== source);
  }

  /** @returns {ParticipantShape} */
  #shape() {
    return {
      participant_id: this.id,
      name: this.name,
      role: this.role,
      kind: this.kind,
      connected: this.connected,
      joined_at: this.joinedAt,
      hand_raised_at: this.handRaisedAt,
      tracks: [...this.tracks],
    };
  }
}
