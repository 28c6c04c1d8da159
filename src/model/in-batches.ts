// Many rows through a graph: sorted by length, so that little of a batch is padding, and answered in the order in which they came.

import type { TokenRow } from './encoder-feeds.ts';

const BATCH = 32;

/**
 * Runs every row once.
 * @param run answers a batch, one result a row
 * @param onBatch told how many rows are done
 */
export async function inBatches<R extends TokenRow, T>(
  rows: readonly R[],
  run: (batch: readonly R[]) => Promise<readonly T[]>,
  onBatch: (done: number) => void = () => undefined,
): Promise<T[]> {
  const order = Array.from(rows.keys()).sort((a, b) => rows[a].ids.length - rows[b].ids.length);
  const results: T[] = Array.from({ length: rows.length });
  for (let start = 0; start < order.length; start += BATCH) {
    const places = order.slice(start, start + BATCH);
    const answers = await run(places.map((place) => rows[place]));
    for (const [i, place] of places.entries()) results[place] = answers[i];
    onBatch(start + places.length);
  }
  return results;
}
