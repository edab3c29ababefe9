import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { afterEach, test } from "node:test";
import { minutesAddress } from "../../static/api.js";
import { clock, codecName, date, initials, size, time } from "../../static/format.js";
import { t, useCatalogue } from "../../static/i18n.js";

const LOCALES = new URL("../../static/locales/", import.meta.url);

afterEach(() => useCatalogue("vi", {}));

test("places and plurals are filled in", () => {
  useCatalogue("en", { hello: "Hello {name}", "n.one": "{count} file", "n.other": "{count} files" });
  assert.equal(t("hello", { name: "<b>$&</b>" }), "Hello <b>$&</b>");
  assert.deepEqual(
    [1, 2, 1234].map((count) => t("n", { count })),
    ["1 file", "2 files", "1,234 files"],
  );
  assert.equal(t("unknown.key"), "unknown.key");
  assert.equal(t("hello"), "Hello {name}");
});

test("dates and times are those of Hà Nội, whatever the machine", () => {
  assert.equal(date("2026-02-05T18:30:00Z"), "06/02/2026");
  assert.equal(date("2026-02-05T17:05:00Z"), "06/02/2026");
  assert.equal(time("2026-02-05T17:05:00Z"), "00:05");
});

const lengths = [
  [0, "0:00"],
  [65_999, "1:05"],
  [3_599_000, "59:59"],
  [3_723_000, "1:02:03"],
  [36_061_000, "10:01:01"],
  [-5, "0:00"],
];
for (const [ms, text] of lengths) {
  test(`${ms} ms is shown as ${text}`, () => assert.equal(clock(Number(ms)), text));
}

const names = [
  ["Lê Văn Bình – Sở Nội vụ", "VB"],
  ["Lê Văn Bình - Sở Nội vụ", "VB"],
  ["Trần Thị Ánh, Sở Tài chính", "TÁ"],
  ["Nguyễn Đức (Văn phòng UBND)", "NĐ"],
  ["(Bí thư) Lê Nam", "LN"],
  ["Anne-Marie", "AM"],
  ["an", "A"],
  ["😀", "?"],
  ["  ", "?"],
];
for (const [name, letters] of names) {
  test(`“${name}” is ${letters}`, () => assert.equal(initials(name), letters));
}

test("codecs are written as their makers do", () => {
  assert.deepEqual(["opus", "VP8", "h264"].map(codecName), ["Opus", "VP8", "H264"]);
});

test("minutes are asked for in the language that is shown", () => {
  assert.equal(minutesAddress("m", "pdf"), "/api/v1/meetings/m/minutes?format=pdf&lang=vi");
  useCatalogue("en", {});
  assert.equal(minutesAddress("m", "html"), "/api/v1/meetings/m/minutes?format=html&lang=en");
});

test("sizes follow the language", () => {
  assert.deepEqual([999, 12_400_000, 1_000].map(size), ["999 B", "12,4 MB", "1 KB"]);
  useCatalogue("en", {});
  assert.equal(size(12_400_000), "12.4 MB");
});

/** @param {string} lang */
async function keys(lang) {
  const names = await readdir(new URL(`${lang}/`, LOCALES));
  const texts = await Promise.all(names.map((name) => readFile(new URL(`${lang}/${name}`, LOCALES), "utf8")));
  return texts.flatMap((text) => Object.keys(JSON.parse(text)));
}

test("both languages say the same things", async () => {
  const family = (/** @type {string[]} */ all) =>
    new Set(all.map((key) => key.replace(/\.(one|other)$/, "")));
  assert.deepEqual(family(await keys("vi")), family(await keys("en")));
});
