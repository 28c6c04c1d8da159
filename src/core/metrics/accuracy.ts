// Accuracy.

import { type Metric, rowCount } from './metric.ts';

/** Share of rows whose class is the true one. */
export const accuracy: Metric = (truth, predicted) => {
  const rows = rowCount(truth, predicted);
  let hits = 0;
  for (let i = 0; i < rows; i++) if (truth[i] === predicted[i]) hits++;
  return hits / rows;
};
