// What a metric is. Class −1 as a prediction is "none of the task's own classes": a row that was answered by another task's head.

import { TwinrouteError } from '../errors.ts';

/** Prediction of a row that another expert answered. */
export const FOREIGN_CLASS = -1;

/**
 * A score from true and predicted values of N ≥ 1 rows; higher is better, 1 is perfect.
 * @param truth class indices, or values of a regression @param predicted the same, or `FOREIGN_CLASS`
 * @param classes how many classes the task has; not read by a regression's metric
 */
export type Metric = (truth: ArrayLike<number>, predicted: ArrayLike<number>, classes: number) => number;

/**
 * The number of rows.
 * @throws {TwinrouteError} `shape` when there are none, or not as many predictions as truths
 */
export function rowCount(truth: ArrayLike<number>, predicted: ArrayLike<number>): number {
  if (truth.length > 0 && truth.length === predicted.length) return truth.length;
  throw new TwinrouteError(
    'shape',
    `metric: expected as many predictions as rows, at least one, got ${predicted.length} for ${truth.length}`,
  );
}

/** 2·tp / (2·tp + fp + fn) of one class; 0 when the class is neither true nor predicted anywhere. */
export function f1OfClass(truth: ArrayLike<number>, predicted: ArrayLike<number>, index: number): number {
  let hits = 0;
  let either = 0;
  for (let i = 0; i < truth.length; i++) {
    either += Number(truth[i] === index) + Number(predicted[i] === index);
    if (truth[i] === index && predicted[i] === index) hits++;
  }
  return either === 0 ? 0 : (2 * hits) / either;
}
