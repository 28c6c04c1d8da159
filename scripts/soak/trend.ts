// The slope of noisy measurements over time, by Theil and Sen: the median of the slopes of all pairs, which a few jumps do not move.
// Source: Sen 1968, "Estimates of the regression coefficient based on Kendall's tau"; the interval is his, without ties.

/** A slope with its 95 % interval, in units of a value by units of a time. */
export interface Trend {
  readonly slope: number;
  readonly low: number;
  readonly high: number;
}

/** The 0.975 quantile of the normal distribution. */
const Z = 1.96;

/**
 * The trend of `values` at `times`.
 * @param times ascending, at least three
 * Cost: O(n² log n)
 */
export function trendOf(times: readonly number[], values: readonly number[]): Trend {
  const n = times.length;
  if (n < 3 || values.length !== n) throw new Error(`trend: expected three points or more, got ${n} times and ${values.length} values`);
  const slopes: number[] = [];
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) slopes.push((values[j] - values[i]) / (times[j] - times[i]));
  slopes.sort((a, b) => a - b);
  const at = (place: number): number => slopes[Math.min(Math.max(Math.round(place), 0), slopes.length - 1)];
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const middle = (slopes.length - 1) / 2;
  return {
    slope: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    low: at((slopes.length - spread) / 2 - 1),
    high: at((slopes.length + spread) / 2),
  };
}
