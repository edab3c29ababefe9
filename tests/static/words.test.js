import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { afterEach, test } from "node:test";
import { clock, date, duration, size, time } from "../../static/format.js";
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
  [3_723_000, "1:02:03"],
  [-5, "0:00"],
];
for (const [ms, text] of lengths) {
  test(`${ms} ms is shown as ${text}`, () => assert.equal(clock(Number(ms)), text));
}

test("lengths and sizes follow the language", () => {
  assert.deepEqual([42_000, 1_500_000, 3_600_000, 5_400_000].map(duration), [
    "42 giây",
    "25 phút",
    "1 giờ",
    "1 giờ 30 phút",
  ]);
  assert.deepEqual([999, 12_400_000, 1_000].map(size), ["999 B", "12,4 MB", "1 KB"]);
  useCatalogue("en", {});
  assert.equal(duration(3_660_000), "1 hour 1 minute");
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
