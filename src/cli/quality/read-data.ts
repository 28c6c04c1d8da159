// A user's labelled data: `DIR/tasks.json` and `DIR/tasks/<task>/<split>.jsonl`.

import { join } from 'node:path';
import { Row, Tasks, type Task } from '../../contract/tasks.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { parseJsonl } from '../../formats/jsonl.ts';
import { readText } from '../read-text.ts';

/** A task with its rows. */
export interface TaskData {
  readonly task: Task;
  readonly rows: readonly Row[];
}

/** Splits that a folder of data may have. */
export const SPLITS = ['train', 'validation', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/**
 * The split of a name.
 * @throws {TwinrouteError} `usage` for others
 */
export function splitOf(text: string): Split {
  const split = SPLITS.find((candidate) => candidate === text);
  if (split !== undefined) return split;
  throw new TwinrouteError('usage', `--split: expected ${SPLITS.join(', ')}, got "${text}"`, { param: 'split' });
}

/**
 * Rows of every named task that the folder has, in the order of `names`.
 * @param limit rows a task at most, the first ones
 * @throws {TwinrouteError} `not_found` when a file is missing or no name has a task; `format` naming the line that does not fit; `config` for a label out of range
 */
export async function readData(
  folder: string,
  names: readonly string[],
  split: Split,
  limit = Number.POSITIVE_INFINITY,
): Promise<ReadonlyMap<string, TaskData>> {
  const tasks = parseJsonWith(Tasks, await readText(join(folder, 'tasks.json')), join(folder, 'tasks.json'), 'format');
  const data = new Map<string, TaskData>();
  for (const name of names) {
    const task = tasks[name];
    if (task === undefined) continue;
    const file = join(folder, 'tasks', name, `${split}.jsonl`);
    const rows = parseJsonl(Row, await readText(file), file).slice(0, limit);
    if (rows.length === 0) throw new TwinrouteError('format', `${file}: expected at least one row, got none`);
    for (const [i, { label }] of rows.entries()) {
      if (task.labels === null || (Number.isInteger(label) && label >= 0 && label < task.labels.length)) continue;
      throw new TwinrouteError('format', `${file}: line ${i + 1}: expected a label from 0 to ${task.labels.length - 1}, got ${label}`);
    }
    data.set(name, { task, rows });
  }
  if (data.size > 0) return data;
  throw new TwinrouteError(
    'not_found',
    `${folder}: expected a task named as one of the experts (${names.join(', ')}), got ${Object.keys(tasks).join(', ') || 'none'}`,
  );
}
