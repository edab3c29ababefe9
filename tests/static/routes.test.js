import assert from "node:assert/strict";
import { test } from "node:test";
import { meetingCode, route } from "../../static/routes.js";

/** @type {[string, object][]} */
const routes = [
  ["/", { page: "home" }],
  ["/setup", { page: "setup" }],
  ["/m/mfqk7-tzx4p-9hcwa", { page: "meeting", code: "mfqk7-tzx4p-9hcwa" }],
  ["/archive/", { page: "archive" }],
  ["/archive/abc123", { page: "recording", id: "abc123" }],
  ["/m/", { page: "missing" }],
  ["/m/a/b", { page: "missing" }],
];
for (const [path, expected] of routes) {
  test(`${path} leads to ${JSON.stringify(expected)}`, () => assert.deepEqual(route(path), expected));
}

/** @type {[string, string | null][]} */
const codes = [
  ["mfqk7-tzx4p-9hcwa", "mfqk7-tzx4p-9hcwa"],
  ["  MFQK7 tzx4p 9hcwa ", "mfqk7-tzx4p-9hcwa"],
  ["https://hop.example.vn/m/mfqk7-tzx4p-9hcwa?lang=vi", "mfqk7-tzx4p-9hcwa"],
  ["mfqk7 - tzx4p", "mfqk7-tzx4p"],
  ["", null],
  ["../archive", null],
  ["họp giao ban", null],
];
for (const [typed, code] of codes) {
  test(`"${typed}" is the code ${code}`, () => assert.equal(meetingCode(typed), code));
}
