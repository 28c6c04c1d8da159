// Long lists of Durable Objects, read a page at a time.

const PAGE = 1_000;

/** The items that `read` gives for each place in turn, until a page is not full or an item lies beyond `to`. */
export async function* pages<T extends { readonly seq: number }>(
  read: (after: number, limit: number) => Promise<readonly T[]>,
  after = 0,
  to = Infinity,
): AsyncGenerator<T> {
  for (let place = after; ;) {
    const page = await read(place, PAGE);
    for (const item of page) {
      if (item.seq > to) return;
      yield item;
    }
    const last = page[page.length - 1];
    if (last === undefined || page.length < PAGE) return;
    place = last.seq;
  }
}
