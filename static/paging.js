/**
 * Long lists, a page at a time.
 */

// As many as the server gives unasked.
export const PAGE = 100;

/**
 * The first pages of a list in one, and whether there are more. An entry that moved from one page to the next while
 * they were asked for comes once.
 * @template {{ id: string }} T
 * @param {(page: { limit: number, offset: number }) => Promise<T[]>} ask
 * @param {number} pages how many
 * @returns {Promise<{ items: T[], more: boolean }>}
 */
export async function firstPages(ask, pages) {
  const offsets = Array.from({ length: pages }, (_, index) => index * PAGE);
  const answers = await Promise.all(offsets.map((offset) => ask({ limit: PAGE, offset })));
  const items = new Map(answers.flat().map((item) => [item.id, item]));
  return { items: [...items.values()], more: answers.at(-1)?.length === PAGE };
}
