// Scores of answers in percent of the experts themselves on the same rows.

import { evaluate, type EvaluatedTask } from '../../../src/core/evaluate.ts';
import type { Answers } from './quality-lab.ts';
import type { QualityRows } from './quality-rows.ts';

/** The task whose score, a correlation near 0.3, moves most by chance. */
const NOISY = 'cola';

/** A way of answering. */
export interface Score {
  /** Percent of the experts, mean over tasks. */
  readonly all: number;
  /** The same without CoLA. */
  readonly withoutCola: number;
  /** The lowest percent of a task. */
  readonly worst: { readonly task: string; readonly percent: number };
  /** Each task's own metric. */
  readonly tasks: Readonly<Record<string, number>>;
}

/** Both ways of answering. */
export interface Scores {
  readonly oracle: Score;
  readonly routed: Score | undefined;
  readonly routingAccuracy: number | undefined;
}

/**
 * Scores on rows.
 * @param routes the expert that the router chose for each row; a row that went to another one counts as wrong
 */
export function scoresOf(
  { tasks }: QualityRows,
  { predictions }: Answers,
  individual: Answers,
  routes: Readonly<Record<string, readonly string[]>> | undefined,
): Scores {
  const evaluated: Record<string, EvaluatedTask> = {};
  for (const [name, { task, rows }] of tasks) {
    evaluated[name] = {
      metric: task.metric,
      classes: task.labels === null ? null : task.labels.length,
      ...(task.range !== undefined && { range: task.range }),
      rows: rows.map(({ label }, i) => {
        const oracle = predictions[name][i];
        const expert = routes?.[name][i] ?? name;
        return { label, individual: individual.predictions[name][i], shared: oracle, oracle, routed: { expert, prediction: oracle } };
      }),
    };
  }
  const table = evaluate(evaluated);
  const scoreBy = (way: 'oracle' | 'routed'): Score => {
    // As core/evaluate.ts: a task whose expert scores nothing on these rows says nothing.
    const percents = Object.entries(table.tasks).flatMap(([task, line]) => {
      const own = line.individual ?? 0;
      return own > 0 ? [{ task, percent: (100 * line[way]) / own }] : [];
    });
    return {
      all: mean(percents.map(({ percent }) => percent)),
      withoutCola: mean(percents.filter(({ task }) => task !== NOISY).map(({ percent }) => percent)),
      worst: percents.reduce((worst, one) => (one.percent < worst.percent ? one : worst)),
      tasks: Object.fromEntries(Object.entries(table.tasks).map(([task, line]) => [task, line[way]])),
    };
  };
  return {
    oracle: scoreBy('oracle'),
    routed: routes === undefined ? undefined : scoreBy('routed'),
    routingAccuracy: routes === undefined ? undefined : table.routing_accuracy,
  };
}

/** Percent of the classified rows that a model answers as the expert itself does, right or wrong: moves less by chance than scores. */
export function agreement({ tasks }: QualityRows, { predictions }: Answers, individual: Answers): number {
  const same: number[] = [];
  for (const [name, { task }] of tasks) {
    if (task.labels !== null) same.push(...predictions[name].map((value, i) => (value === individual.predictions[name][i] ? 100 : 0)));
  }
  return mean(same);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
