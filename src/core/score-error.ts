// How much a task's score owes to the rows that happened to be in it.
// Source: Efron 1979, "Bootstrap Methods: Another Look at the Jackknife".

import { routedPredictions, type EvaluatedTask } from './evaluate.ts';
import { METRICS } from './metrics/registry.ts';
import { createRandom } from './random.ts';

const RESAMPLES = 200;

/**
 * Standard error of a task's routed score in percent of the expert's own, by resampling rows: of the difference to the expert itself on the
 * same rows where its predictions are known, which is smaller, since both answer most rows alike; else of the routed score alone.
 * @param individual the expert's score on all rows, above 0
 * @param seed of the draws
 * @returns percent of `individual`; undefined when too few samples have a score
 * Cost: 200 passes over the rows
 */
export function routedScoreError(name: string, task: EvaluatedTask, individual: number, seed = 0): number | undefined {
  const { metric, rows } = task;
  const truth = rows.map(({ label }) => label);
  const routed = routedPredictions(name, task);
  const own = rows.flatMap((row) => row.individual ?? []);
  const random = createRandom(seed, `score error ${name}`);
  const differences: number[] = [];
  for (let sample = 0; sample < RESAMPLES; sample++) {
    const drawn = rows.map(() => random.below(rows.length));
    const score = (predicted: readonly number[]): number =>
      METRICS[metric](
        drawn.map((i) => truth[i]),
        drawn.map((i) => predicted[i]),
        task.classes ?? 0,
      );
    const difference = score(routed) - (own.length === rows.length ? score(own) : 0);
    if (Number.isFinite(difference)) differences.push((100 * difference) / individual);
  }
  if (differences.length < RESAMPLES / 2) return undefined;
  const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
  return Math.sqrt(differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (differences.length - 1));
}
