/**
 * The list of meetings as the home page groups it.
 */

/** @typedef {{ id: string, code: string, title: string, state: "planned" | "running" | "ended", created_at: string,
 *   started_at: string | null, ended_at: string | null, join_url: string, recordings: number }} MeetingItem */

/**
 * Open meetings first, running ones before planned ones; then what has ended. Newest first within each.
 * @param {MeetingItem[]} meetings
 */
export function grouped(meetings) {
  const newest = [...meetings].sort((a, b) => when(b).localeCompare(when(a)));
  const of = (/** @type {string} */ state) => newest.filter((meeting) => meeting.state === state);
  return { open: [...of("running"), ...of("planned")], ended: of("ended") };
}

/**
 * The moment a person would name the meeting by.
 * @param {MeetingItem} meeting
 */
export function when(meeting) {
  return meeting.started_at ?? meeting.created_at;
}
