import assert from "node:assert/strict";
import { test } from "node:test";
import { firstPages, PAGE } from "../../static/paging.js";

const list = Array.from({ length: PAGE + 1 }, (_, index) => ({ id: `m${index}` }));
/** @param {{ limit: number, offset: number }} page */
const ask = async ({ limit, offset }) => list.slice(offset, offset + limit);

test("a full page may have another behind it", async () => {
  const { items, more } = await firstPages(ask, 1);
  assert.deepEqual([items.length, more], [PAGE, true]);
});

test("the pages follow each other to the end of the list", async () => {
  const { items, more } = await firstPages(ask, 2);
  assert.deepEqual([items, more], [list, false]);
});

test("what moved to the next page meanwhile comes once", async () => {
  const moving = async (/** @type {{ limit: number, offset: number }} */ { limit, offset }) =>
    list.slice(Math.max(0, offset - 1), offset - 1 + limit);
  const { items } = await firstPages(moving, 2);
  assert.equal(new Set(items.map(({ id }) => id)).size, items.length);
});
