// What a router did with labelled rows: which expert it took each task's rows for, and whether it was as sure as it had reason to be.

import type { EvaluatedTask } from './evaluate.ts';
import { calibrationCurve, confusionMatrix, type CalibrationBin } from './routing/calibration-curve.ts';

/** A router on real rows. */
export interface EvaluatedRouting {
  /** Tasks in their order, by the name of their expert. */
  readonly truth: readonly string[];
  /** Every expert that may answer. */
  readonly answered: readonly string[];
  /** Rows by task and answering expert, `[truth][answered]`. */
  readonly confusion: readonly (readonly number[])[];
  /** Of the rows whose route states a confidence. */
  readonly curve: readonly CalibrationBin[];
}

/**
 * Confusions and calibration of evaluated tasks.
 * @param experts all of the pack's; every row was answered by one of them
 */
export function evaluateRouting(tasks: Readonly<Record<string, EvaluatedTask>>, experts: readonly string[]): EvaluatedRouting {
  const truth = Object.keys(tasks);
  const rows = Object.entries(tasks).flatMap(([name, task]) => task.rows.map(({ routed }) => ({ name, ...routed })));
  const stated = rows.flatMap(({ confidence, expert, name }) => (confidence === undefined ? [] : [{ confidence, right: expert === name }]));
  const matrix = confusionMatrix(
    rows.map(({ name }) => experts.indexOf(name)),
    rows.map(({ expert }) => experts.indexOf(expert)),
    experts.length,
  );
  return {
    truth,
    answered: experts,
    confusion: truth.map((name) => matrix[experts.indexOf(name)]),
    curve: calibrationCurve(
      stated.map(({ confidence }) => confidence),
      stated.map(({ right }) => right),
    ),
  };
}
