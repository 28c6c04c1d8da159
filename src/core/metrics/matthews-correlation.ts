// Matthews' correlation coefficient, in the form for any number of classes.

import { type Metric, rowCount } from './metric.ts';

/**
 * R_K = (c·s − Σ t_k·p_k) / √((s² − Σ p_k²)(s² − Σ t_k²)) with s rows, c right ones, t_k true and p_k predicted ones of class k, a
 * foreign prediction being a class of its own; 0 when truth or prediction is constant. For two classes it is the ordinary MCC.
 * Source: Gorodkin 2004, Comput. Biol. Chem. 28, "Comparing two K-category assignments by a K-category correlation coefficient"
 */
export const matthewsCorrelation: Metric = (truth, predicted) => {
  const rows = rowCount(truth, predicted);
  const trueCounts = new Map<number, number>();
  const predictedCounts = new Map<number, number>();
  let hits = 0;
  for (let i = 0; i < rows; i++) {
    trueCounts.set(truth[i], (trueCounts.get(truth[i]) ?? 0) + 1);
    predictedCounts.set(predicted[i], (predictedCounts.get(predicted[i]) ?? 0) + 1);
    if (truth[i] === predicted[i]) hits++;
  }
  let both = 0;
  let trueSquares = 0;
  let predictedSquares = 0;
  for (const [index, count] of trueCounts) {
    both += count * (predictedCounts.get(index) ?? 0);
    trueSquares += count * count;
  }
  for (const count of predictedCounts.values()) predictedSquares += count * count;
  const spread = (rows * rows - predictedSquares) * (rows * rows - trueSquares);
  return spread === 0 ? 0 : (hits * rows - both) / Math.sqrt(spread);
};
