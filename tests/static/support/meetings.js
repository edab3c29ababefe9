/** @import { MeetingEvent, ParticipantShape, Snapshot, Source } from "../../../static/models/shapes.js" */

/** @param {string} id @param {Partial<ParticipantShape>} [changes] @returns {ParticipantShape} */
export function person(id, changes = {}) {
  return {
    participant_id: id,
    name: id.toUpperCase(),
    role: "delegate",
    kind: "person",
    connected: true,
    joined_at: "2026-03-02T01:00:00Z",
    tracks: [],
    hand_raised_at: null,
    ...changes,
  };
}

/** @param {Source[]} sources */
export function tracks(...sources) {
  return sources.map((source) => ({ source, muted: false }));
}

/** @param {ParticipantShape[]} participants @param {Partial<Snapshot>} [changes] @returns {Snapshot} */
export function snapshot(participants, changes = {}) {
  return {
    meeting_id: "m1",
    title: "Giao ban tuần",
    code: "mfqk7-tzx4p-9hcwa",
    state: "running",
    started_at: "2026-03-02T01:00:00Z",
    video_codec: "vp8",
    seq: 10,
    participants,
    speaker: null,
    hands: [],
    chat: [],
    recording: null,
    ...changes,
  };
}

/** @param {number} seq @param {string} type @param {object} [data] @param {string} [actor] @returns {MeetingEvent} */
export function event(seq, type, data = {}, actor = "system") {
  const time = new Date(Date.UTC(2026, 2, 2, 1, 0, seq)).toISOString();
  return { seq, time, meeting_ms: seq * 1000, actor, type, data };
}
