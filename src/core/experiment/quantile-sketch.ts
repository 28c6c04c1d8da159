// Quantiles of positive numbers to 1 % of their value, in a few hundred counters however many numbers come.
// Source: Masson, Rim, Lee 2019, DDSketch, VLDB 12(12)

const ACCURACY = 0.01;
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
/** Smaller numbers count as this one, larger as the largest. */
const SMALLEST = 0.01;
const BUCKETS = 1024; // up to 7.8e6: two hours in milliseconds

/** Counts by bucket. */
export type QuantileSketch = Record<string, number>;

/** Counts `value`; changes the sketch. */
export function addToSketch(sketch: QuantileSketch, value: number): void {
  const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log(value / SMALLEST) / Math.log(GAMMA))));
  sketch[bucket] = (sketch[bucket] ?? 0) + 1;
}

/** The `q`-quantile, or NaN of nothing. */
export function quantile(sketch: QuantileSketch, q: number): number {
  const buckets = Object.entries(sketch).sort(([a], [b]) => Number(a) - Number(b));
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen > q * (total - 1)) return (2 * SMALLEST * GAMMA ** Number(bucket)) / (GAMMA + 1);
  }
  return Number.NaN;
}
