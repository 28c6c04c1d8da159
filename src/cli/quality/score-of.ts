// A task's metric over predictions of all its rows.

import { METRICS } from '../../core/metrics/registry.ts';
import type { TaskData } from './read-data.ts';

/** The score of predictions, one a row of the task in its order: class indices, or numbers for a regression. */
export function scoreOf({ task, rows }: TaskData, predictions: readonly number[]): number {
  return METRICS[task.metric](
    rows.map(({ label }) => label),
    predictions,
    task.labels?.length ?? 0,
  );
}
