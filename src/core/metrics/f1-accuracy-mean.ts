// GLUE's score of MRPC and QQP.

import { accuracy } from './accuracy.ts';
import { type Metric, f1OfClass } from './metric.ts';

/** Mean of accuracy and the F1 of class 1 (binary). A foreign prediction is a negative one. */
export const f1AccuracyMean: Metric = (truth, predicted, classes) =>
  (accuracy(truth, predicted, classes) + f1OfClass(truth, predicted, 1)) / 2;
