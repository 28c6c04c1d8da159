// Macro F1.

import { type Metric, f1OfClass, rowCount } from './metric.ts';

/** Mean F1 over the task's own classes; a foreign prediction is a miss of its true class and nothing else. */
export const macroF1: Metric = (truth, predicted, classes) => {
  rowCount(truth, predicted);
  let sum = 0;
  for (let index = 0; index < classes; index++) sum += f1OfClass(truth, predicted, index);
  return sum / classes;
};
