/** Reads `{before, events, after}` as JSON and fails unless the events lead from the one snapshot to the other. */
import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { Meeting } from "../../../static/models/meeting.js";

const { before, events, after } = JSON.parse(await text(process.stdin));
const meeting = new Meeting(before);
for (const event of events) meeting.apply(event);
const expected = new Meeting(after);
// Only events tell who began to share last; a page that comes later shows any of those who do.
meeting.lastSharing = expected.lastSharing;
assert.deepEqual(plain(meeting), plain(expected));

/** @param {Meeting} one */
function plain(one) {
  return JSON.parse(JSON.stringify({ ...one, participants: [...one.participants.values()] }));
}
