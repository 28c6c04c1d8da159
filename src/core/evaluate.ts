// The quality table of `twinroute eval` from predictions: pure aggregation, honest about routing. A routed answer counts only when the
// row's own head gave it.

import { TwinrouteError } from './errors.ts';
import { FOREIGN_CLASS } from './metrics/metric.ts';
import { METRICS, type MetricName } from './metrics/registry.ts';
import { normalise } from './normalised.ts';

/** One evaluated row. A prediction is a class index, or a value for a regression. */
export interface EvaluatedRow {
  readonly label: number;
  /** By θ_t itself, where its checkpoint is at hand. */
  readonly individual?: number;
  /** By the shared model with the task's own head. */
  readonly shared: number;
  /** With the task's own mix and head. */
  readonly oracle: number;
  /** As a caller gets it: `expert` is the one whose head answered. */
  readonly routed: {
    readonly expert: string;
    readonly prediction: number;
    /** Probability that the router gave that expert, where it states one. */
    readonly confidence?: number;
  };
}

/** One task with its rows. */
export interface EvaluatedTask {
  readonly metric: MetricName;
  /** How many classes; null for a regression. */
  readonly classes: number | null;
  /** Lowest and highest value of a regression. */
  readonly range?: readonly [number, number];
  /** θ_t's score where it is known beforehand (the manifest's); rows need no `individual` then. */
  readonly individualScore?: number;
  readonly rows: readonly EvaluatedRow[];
}

/** A task's line of the table: scores as fractions, null where not known. */
export interface TaskScores {
  readonly metric: MetricName;
  readonly rows: number;
  readonly individual: number | null;
  readonly shared: number;
  readonly oracle: number;
  /** Rows that another expert answered count as an extra class, or as the middle of a regression's range. */
  readonly routed: number;
  /** Share of rows that the task's own expert answered. */
  readonly routed_to_own: number;
}

/** The table. */
export interface Evaluation {
  readonly tasks: Readonly<Record<string, TaskScores>>;
  /**
   * Percent of `individual`, averaged over the tasks whose individual score is known and above 0; null when there is none.
   */
  readonly normalised: { readonly shared: number | null; readonly oracle: number | null; readonly routed: number | null };
  /** Share of all rows that their own expert answered. */
  readonly routing_accuracy: number;
}

/**
 * The quality table.
 * @param tasks by name, a task's name being its expert's; each with at least one row; their order is kept
 * @throws {TwinrouteError} `shape` for a task without rows, `config` for a regression without a range
 * Cost: O(rows · classes)
 */
export function evaluate(tasks: Readonly<Record<string, EvaluatedTask>>): Evaluation {
  const lines = Object.entries(tasks).map(([name, task]): [string, TaskScores] => [name, scoreTask(name, task)]);
  const rows = lines.reduce((sum, [, line]) => sum + line.rows, 0);
  const own = lines.reduce((sum, [, line]) => sum + line.rows * line.routed_to_own, 0);
  const normalised = (pick: (line: TaskScores) => number): number | null =>
    normalise(
      lines.map(([task, line]) => ({ task, score: pick(line), individual: line.individual })),
      undefined,
    )?.mean ?? null;
  return {
    tasks: Object.fromEntries(lines),
    normalised: {
      shared: normalised((line) => line.shared),
      oracle: normalised((line) => line.oracle),
      routed: normalised((line) => line.routed),
    },
    routing_accuracy: rows === 0 ? 0 : own / rows,
  };
}

function scoreTask(name: string, task: EvaluatedTask): TaskScores {
  const { metric, rows } = task;
  const truth = rows.map((row) => row.label);
  const score = (predicted: readonly number[]): number => METRICS[metric](truth, predicted, task.classes ?? 0);
  const own = rows.filter((row) => row.routed.expert === name).length;
  const individual = rows.flatMap((row) => row.individual ?? []);
  return {
    metric,
    rows: rows.length,
    individual: task.individualScore ?? (individual.length === 0 ? null : score(individual)),
    shared: score(rows.map((row) => row.shared)),
    oracle: score(rows.map((row) => row.oracle)),
    routed: score(routedPredictions(name, task)),
    routed_to_own: own / rows.length,
  };
}

/**
 * What each row counts as when the router chose the head.
 * @param name the task's own expert
 * @throws {TwinrouteError} `config` for a regression without a range
 */
export function routedPredictions(name: string, task: EvaluatedTask): number[] {
  const foreign = foreignPrediction(name, task);
  return task.rows.map(({ routed }) => (routed.expert === name ? routed.prediction : foreign));
}

/** What a row that another expert answered counts as. */
function foreignPrediction(name: string, task: EvaluatedTask): number {
  if (task.classes !== null) return FOREIGN_CLASS;
  if (task.range !== undefined) return (task.range[0] + task.range[1]) / 2;
  throw new TwinrouteError('config', `${name}.range: expected the lowest and highest value of the regression, got nothing`, {
    param: `${name}.range`,
  });
}
