/**
 * What happened, told along the recording: from the meeting's events, or from the recording's chapters where the
 * reader may not see the log.
 */

/** @typedef {{ meeting_ms: number, type: string, data: Record<string, any> }} MeetingEvent */
/** @typedef {{ at: number, type: string, name: string, text: string }} Entry */
/** @typedef {{ entries: Entry[], pauses: import("./timeline.js").Span[] }} Story */

/** The events a viewer looks for. Camera and microphone changes are too many to read. */
const TOLD = new Set([
  "ParticipantJoined",
  "ParticipantLeft",
  "HandRaised",
  "ChatSent",
  "TrackPublished",
  "TrackUnpublished",
  "RecordingPaused",
  "RecordingResumed",
  "RecordingInterrupted",
  "MeetingEnded",
]);

/**
 * @param {MeetingEvent[]} events in the order of the log
 * @param {string} recordingId
 * @param {number} durationMs
 * @returns {Story}
 */
export function story(events, recordingId, durationMs) {
  const begin = events.find(
    ({ type, data }) => type === "RecordingStarted" && data.recording_id === recordingId,
  );
  const zero = begin?.meeting_ms ?? 0;
  const names = namesOf(events);
  const inside = events
    .map((event) => ({ ...event, at: event.meeting_ms - zero }))
    .filter(
      ({ at, data }) => at >= 0 && at <= durationMs && (data.recording_id ?? recordingId) === recordingId,
    );
  return {
    entries: inside.filter(told).map((event) => entry(event, names)),
    pauses: pauses(inside, durationMs),
  };
}

/**
 * Chapters `{at_ms, type, …}` as events.
 * @param {({ at_ms: number, type: string } & Record<string, any>)[]} chapters
 * @returns {MeetingEvent[]}
 */
export function fromChapters(chapters) {
  return chapters.map(({ at_ms, type, ...rest }) => ({ meeting_ms: at_ms, type, data: rest.data ?? rest }));
}

/** @param {MeetingEvent[]} events */
function namesOf(events) {
  const joined = events.filter(({ type }) => type === "ParticipantJoined");
  return new Map(joined.map(({ data }) => [data.participant_id, String(data.name)]));
}

/** @param {MeetingEvent} event */
function told({ type, data }) {
  const ofTrack = type === "TrackPublished" || type === "TrackUnpublished";
  return TOLD.has(type) && (!ofTrack || data.source === "screen");
}

/**
 * @param {MeetingEvent & { at: number }} event
 * @param {Map<string, string>} names
 * @returns {Entry}
 */
function entry({ at, type, data }, names) {
  return { at, type, name: names.get(data.participant_id) ?? data.name ?? "", text: data.text ?? "" };
}

/**
 * @param {(MeetingEvent & { at: number })[]} events
 * @param {number} durationMs
 */
function pauses(events, durationMs) {
  /** @type {import("./timeline.js").Span[]} */
  const result = [];
  for (const { type, at } of events) {
    if (type === "RecordingPaused") result.push({ start: at, end: durationMs });
    const last = result.at(-1);
    if (type === "RecordingResumed" && last?.end === durationMs) last.end = at;
  }
  return result;
}

/**
 * The entry that a moment belongs to: the last one at or before it, or -1.
 * @param {Entry[]} entries
 * @param {number} at
 */
export function currentEntry(entries, at) {
  return entries.findLastIndex((entry) => entry.at <= at);
}
