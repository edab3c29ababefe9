/** @import { Meeting } from "./meeting.js" */
/** @import { MeetingEvent } from "./shapes.js" */
import { may } from "./permissions.js";

/**
 * What a person should be told about an event: a key of the catalogue with what it needs.
 * @typedef {{key: string, params?: Record<string, string>, tone: "info" | "warning"}} Notice
 * @typedef {(event: MeetingEvent, meeting: Meeting, selfId: string) => Notice | null} Rule
 */

/** @param {string} key @returns {Rule} somebody else came, left, was lost */
function about(key) {
  return ({ data }, meeting, selfId) =>
    data.participant_id === selfId ? null : info(key, { name: meeting.nameOf(data.participant_id) });
}

/** @param {string} key @param {Record<string, string>} [params] @returns {Notice} */
function info(key, params) {
  return { key, params, tone: "info" };
}

/** @type {Rule} */
function muted({ data, actor }, _meeting, selfId) {
  if (data.participant_id !== selfId || actor === selfId) return null;
  const key = data.source === "microphone" ? "meeting.notice.muted" : "meeting.notice.camera_stopped";
  return { key, tone: "warning" };
}

/** @type {Rule} who leads the discussion must see a hand even while reading something else */
function handRaised({ data }, meeting, selfId) {
  const leads = may(meeting.participants.get(selfId)?.role, "lower_others_hand");
  if (!leads || data.participant_id === selfId) return null;
  return info("meeting.notice.hand", { name: meeting.nameOf(data.participant_id) });
}

/** @type {Rule} */
function left(event, meeting, selfId) {
  if (event.data.reason === "meeting_ended") return null;
  return about("meeting.notice.left")(event, meeting, selfId);
}

/** @type {Rule} only the server ends an interruption; what the chair resumes, the chair has seen */
function resumed({ actor }) {
  return actor === "system" ? info("meeting.notice.recording_resumed") : null;
}

/** What the recorder warns of while somebody in the room can still do something about it. */
const WARNINGS = new Set(["disk_low", "pictures_given_up", "track_refused"]);

/** @type {Rule} */
function recordingWarned({ data }, meeting, selfId) {
  const hosts = may(meeting.participants.get(selfId)?.role, "mute_others");
  if (!hosts || !WARNINGS.has(data.reason)) return null;
  return { key: `meeting.notice.recording_${data.reason}`, tone: "warning" };
}

/** @type {Record<string, Rule>} */
const RULES = {
  ParticipantJoined: about("meeting.notice.joined"),
  ParticipantLeft: left,
  ParticipantDisconnected: about("meeting.notice.lost"),
  TrackMuted: muted,
  HandRaised: handRaised,
  RecordingPaused: () => info("meeting.notice.recording_paused"),
  RecordingStopped: () => info("meeting.notice.recording_stopped"),
  RecordingResumed: resumed,
  RecordingWarned: recordingWarned,
  RecordingInterrupted: () => ({ key: "meeting.notice.recording_interrupted", tone: "warning" }),
};

/** @type {Rule} */
export function noticeOf(event, meeting, selfId) {
  return RULES[event.type]?.(event, meeting, selfId) ?? null;
}
