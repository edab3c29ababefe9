import { Chat } from "./chat.js";
import { Participant } from "./participant.js";

/** @import { MeetingEvent, RecordingShape, Snapshot } from "./shapes.js" */

/**
 * A meeting as this browser knows it: the fold of a snapshot and the events after it (PROTOCOL.md).
 *
 * The server decides; nothing here judges. An event already seen changes nothing; an event whose predecessor is
 * missing is for the caller (`EventOrder`) to hold back.
 */
export class Meeting {
  /** @type {Map<string, Participant>} those who have not left, in the order of joining */
  participants = new Map();
  /** @type {string[]} participant ids in the order of raising */
  hands = [];
  /** @type {RecordingShape | null} */
  recording = null;
  /** @type {string | null} who is heard above all others */
  speaker = null;
  /** @type {string | null} who began to share a screen last */
  lastSharing = null;
  /** @type {Map<string, string>} names of everyone seen, also of those who have left */
  #names = new Map();

  /** @param {Snapshot} snapshot */
  constructor(snapshot) {
    this.id = snapshot.meeting_id;
    this.title = snapshot.title;
    this.code = snapshot.code;
    this.state = snapshot.state;
    this.startedAt = snapshot.started_at;
    this.seq = snapshot.seq;
    this.speaker = snapshot.speaker;
    this.hands = [...snapshot.hands];
    this.recording = snapshot.recording;
    this.chat = new Chat(snapshot.chat);
    for (const shape of snapshot.participants) this.#put(new Participant(shape));
  }

  /** @param {string} id */
  nameOf(id) {
    return this.#names.get(id) ?? "";
  }

  /** Take in one event. @param {MeetingEvent} event @returns {boolean} whether it was new */
  apply(event) {
    if (event.seq <= this.seq) return false;
    FOLDS[event.type]?.(this, event);
    this.seq = event.seq;
    return true;
  }

  /** @param {string} id @param {(participant: Participant) => Participant} change */
  change(id, change) {
    const participant = this.participants.get(id);
    if (participant) this.#put(change(participant));
  }

  /** @param {Participant} participant */
  join(participant) {
    this.#put(participant);
  }

  /** @param {string} id */
  remove(id) {
    this.participants.delete(id);
    this.lowerHand(id);
    if (this.speaker === id) this.speaker = null;
  }

  /** @param {string} id @param {string} time */
  raiseHand(id, time) {
    if (!this.hands.includes(id)) this.hands = [...this.hands, id];
    this.change(id, (participant) => participant.with({ hand_raised_at: time }));
  }

  /** @param {string} id */
  lowerHand(id) {
    this.hands = this.hands.filter((raised) => raised !== id);
    this.change(id, (participant) => participant.with({ hand_raised_at: null }));
  }

  /** @param {Participant} participant */
  #put(participant) {
    this.participants.set(participant.id, participant);
    this.#names.set(participant.id, participant.name);
  }
}

/** @typedef {(meeting: Meeting, event: MeetingEvent) => void} Fold */

/** @type {Fold} */
function joined(meeting, { data, time }) {
  const fresh = { ...data, connected: true, joined_at: time, tracks: [], hand_raised_at: null };
  meeting.join(new Participant(fresh));
}

/** @param {boolean} connected @returns {Fold} */
function connection(connected) {
  return (meeting, { data }) => meeting.change(data.participant_id, (one) => one.with({ connected }));
}

/** @param {boolean} muted @returns {Fold} */
function track(muted) {
  return (meeting, { data }) =>
    meeting.change(data.participant_id, (one) => one.withTrack(data.source, muted));
}

/** @param {boolean} lost @returns {Fold} */
function media(lost) {
  return (meeting, { data }) => meeting.change(data.participant_id, (one) => one.withLoss(data.source, lost));
}

/** @param {Partial<import("./shapes.js").RecordingShape>} change @returns {Fold} */
function recordingBecomes(change) {
  return (meeting) => {
    if (meeting.recording) meeting.recording = { ...meeting.recording, ...change };
  };
}

/** @type {Fold} */
function recordingStopped(meeting) {
  meeting.recording = null;
}

/** @type {Record<string, Fold>} what each event changes; a type this browser does not know changes nothing */
const FOLDS = {
  MeetingStarted: (meeting, { time }) => {
    meeting.state = "running";
    meeting.startedAt = time;
  },
  MeetingEnded: (meeting) => {
    meeting.state = "ended";
  },
  ParticipantJoined: joined,
  ParticipantDisconnected: connection(false),
  ParticipantReconnected: connection(true),
  ParticipantLeft: (meeting, { data }) => meeting.remove(data.participant_id),
  TrackPublished: (meeting, event) => {
    track(false)(meeting, event);
    if (event.data.source === "screen") meeting.lastSharing = event.data.participant_id;
  },
  TrackMuted: track(true),
  TrackUnmuted: track(false),
  TrackUnpublished: (meeting, { data }) =>
    meeting.change(data.participant_id, (one) => one.withoutTrack(data.source)),
  MediaLost: media(true),
  MediaReturned: media(false),
  SpeakerChanged: (meeting, { data }) => {
    meeting.speaker = data.participant_id ?? null;
  },
  HandRaised: (meeting, { data, time }) => meeting.raiseHand(data.participant_id, time),
  HandLowered: (meeting, { data }) => meeting.lowerHand(data.participant_id),
  ChatSent: (meeting, { data, time }) =>
    meeting.chat.add({ ...data, time, name: meeting.nameOf(data.participant_id) }),
  RecordingStarted: (meeting, { data, time }) => {
    meeting.recording = {
      recording_id: data.recording_id,
      state: "recording",
      interrupted: false,
      started_at: time,
    };
  },
  RecordingPaused: recordingBecomes({ state: "paused" }),
  RecordingResumed: recordingBecomes({ state: "recording", interrupted: false }),
  RecordingInterrupted: recordingBecomes({ interrupted: true }),
  RecordingStopped: recordingStopped,
};
