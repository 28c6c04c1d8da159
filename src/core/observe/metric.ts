// What a metric is: a row of a table. Series of it are told apart by the values of its labels.

/** A metric. Names are without a counter's `_total`, and end in their unit. */
export interface Metric {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** One line for people. */
  readonly help: string;
  /** Names of its labels; of each, few values may ever come up. */
  readonly labels: readonly string[];
  /** A counter that is called by its name alone, as somebody else's server calls it: without `_total`. */
  readonly exact?: boolean;
  /** Upper bounds of a histogram's buckets, ascending; the last one, +Inf, is implied. */
  readonly bounds?: readonly number[];
}

/** Metrics by the key under which code speaks of them. */
export type MetricTable = Readonly<Record<string, Metric>>;

/**
 * One series. `values` has the count or the level; of a histogram how many observations fell into each bucket (not cumulative, +Inf last) and then
 * their sum. So series of counters and histograms add up element by element.
 */
export interface Series {
  /** Key of the metric in its table. */
  readonly metric: string;
  /** Values of its labels, in their order. */
  readonly labels: readonly string[];
  readonly values: number[];
}

/** How many numbers a series of the metric has. */
export function widthOf({ kind, bounds = [] }: Metric): number {
  return kind === 'histogram' ? bounds.length + 2 : 1;
}

/** Bounds for times from a millisecond to a request's longest, in seconds. */
export const SECONDS_BOUNDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
