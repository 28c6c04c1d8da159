// Rows that the quality bench reads, drawn by a seed: some of the files are sorted by label.

import { readData, type Split, type TaskData } from '../../../src/cli/quality/read-data.ts';
import { createRandom } from '../../../src/core/random.ts';

/** Rows of a split. */
export interface QualityRows {
  /** Which rows these are, as part of a file's name. */
  readonly key: string;
  readonly tasks: ReadonlyMap<string, TaskData>;
}

/**
 * At most `limit` rows of each task.
 * @param limit undefined for all
 * @throws {TwinrouteError} `not_found` without data
 */
export async function drawRows(
  folder: string,
  names: readonly string[],
  split: Split,
  limit: number | undefined,
  seed: number,
): Promise<QualityRows> {
  const all = await readData(folder, names, split);
  if (limit === undefined) return { key: split, tasks: all };
  const tasks = new Map<string, TaskData>();
  for (const [name, { task, rows }] of all) {
    const drawn = createRandom(seed, name).shuffle([...rows]);
    tasks.set(name, { task, rows: drawn.slice(0, limit) });
  }
  return { key: `${split}-${limit}-seed-${seed}`, tasks };
}

/** How many rows there are. */
export function countRows({ tasks }: QualityRows): number {
  return [...tasks.values()].reduce((sum, { rows }) => sum + rows.length, 0);
}
