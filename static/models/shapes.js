/**
 * The shapes of PROTOCOL.md as types, for the type check only: nothing here exists at run time.
 *
 * @typedef {"microphone" | "camera" | "screen" | "screen_audio"} Source
 * @typedef {"chair" | "secretary" | "operator" | "delegate" | "guest"} Role
 * @typedef {{source: Source, muted: boolean, lost?: true}} TrackShape lost: it is published but brings nothing
 *
 * @typedef {object} ParticipantShape
 * @property {string} participant_id
 * @property {string} name
 * @property {Role} role
 * @property {"person" | "room"} kind
 * @property {boolean} connected
 * @property {string} joined_at
 * @property {TrackShape[]} tracks
 * @property {string | null} hand_raised_at
 *
 * @typedef {object} ChatShape
 * @property {string} message_id
 * @property {string} participant_id
 * @property {string} name
 * @property {string} text
 * @property {string} time
 *
 * @typedef {{recording_id: string, state: "recording" | "paused", interrupted: boolean,
 *   started_at: string}} RecordingShape
 *
 * @typedef {object} Snapshot
 * @property {string} meeting_id
 * @property {string} title
 * @property {string} code
 * @property {"planned" | "running" | "ended"} state
 * @property {string | null} started_at
 * @property {"vp8" | "h264" | "vp9" | "av1"} video_codec
 * @property {number} seq
 * @property {ParticipantShape[]} participants
 * @property {string | null} speaker
 * @property {string[]} hands
 * @property {ChatShape[]} chat
 * @property {RecordingShape | null} recording
 *
 * @typedef {object} MeetingEvent
 * @property {number} seq
 * @property {string} time
 * @property {number} meeting_ms
 * @property {string} actor
 * @property {string} type
 * @property {any} data
 *
 * @typedef {{participant_id: string, source: Source}} TrackRef
 * @typedef {TrackRef & {width?: number, height?: number}} Want
 * @typedef {{tracks: Want[], speakers: number}} Demand all that is to be received
 * @typedef {TrackRef & {mid: string}} Slot
 * @typedef {{sdp: string | null, slots: Slot[], speakers: string[]}} Subscribed
 * @typedef {"detail" | "motion"} Hint what is to be kept of a picture when there is not room for all of it
 * @typedef {{participant_id: string, level: number}} Heard
 * @typedef {{score: number, reason?: string}} Link how somebody's line fares: from 0, nothing gets through, to 5
 * @typedef {{vi?: string, en?: string}} Messages
 */

export {};
