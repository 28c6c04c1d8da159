// GLUE's score of STS-B.

import { type Metric, rowCount } from './metric.ts';

/** Mean of Pearson's and Spearman's correlation, equal values sharing their average rank; 0 when one side is constant. */
export const pearsonSpearmanMean: Metric = (truth, predicted) => {
  rowCount(truth, predicted);
  return (pearson(truth, predicted) + pearson(averageRanks(truth), averageRanks(predicted))) / 2;
};

/** Pearson's correlation in two passes; 0 when one side is constant. */
function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const meanX = mean(x);
  const meanY = mean(y);
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < x.length; i++) {
    const dx = x[i] - meanX;
    const dy = y[i] - meanY;
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx) / Math.sqrt(yy);
}

function mean(x: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i];
  return sum / x.length;
}

/** Ranks from 0; a run of equal values gets the mean of its places. */
function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((i, j) => values[i] - values[j]);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) ranks[order[i]] = (from + to - 1) / 2;
    from = to;
  }
  return ranks;
}
