// The metrics by the names that `tasks.json` uses.

import { accuracy } from './accuracy.ts';
import { f1AccuracyMean } from './f1-accuracy-mean.ts';
import { macroF1 } from './macro-f1.ts';
import { matthewsCorrelation } from './matthews-correlation.ts';
import type { Metric } from './metric.ts';
import { pearsonSpearmanMean } from './pearson-spearman-mean.ts';

/** Every metric. */
export const METRICS = {
  accuracy,
  matthews_correlation: matthewsCorrelation,
  f1_accuracy_mean: f1AccuracyMean,
  macro_f1: macroF1,
  pearson_spearman_mean: pearsonSpearmanMean,
} as const satisfies Record<string, Metric>;

/** A metric's name. */
export type MetricName = keyof typeof METRICS;
