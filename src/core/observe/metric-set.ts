// Series in memory, added to in place. A label that takes more values than it should cannot make it grow without end.

import { widthOf, type Metric, type MetricTable, type Series } from './metric.ts';

/** Series of one metric; what comes after them is counted under `OTHER`. */
const SERIES_LIMIT = 2_000;
/** Longest value of a label. */
const LABEL_CHARS = 128;
/** Every label of a series beyond the limit. */
const OTHER = 'other';

/** Series of the metrics of a table. */
export interface MetricSet<K extends string> {
  /** Counts. @param labels values, in the order of the metric's labels */
  add(metric: K, labels: readonly string[], by?: number): void;
  /** Adds an observation to a histogram. Cost: O(bounds) */
  observe(metric: K, labels: readonly string[], value: number): void;
  /** Adds series element by element; those that the table does not have, or has in another form, are left out. */
  merge(series: readonly Series[]): void;
  /** Every series, in the order of the table; they alias the set. */
  all(): Series[];
  /** The same, and forgets them. */
  drain(): Series[];
}

/** A set without series. */
export function createMetricSet<T extends MetricTable>(table: T): MetricSet<keyof T & string> {
  const families = new Map(Object.entries(table).map(([key, metric]) => [key, createFamily(key, metric)]));
  const familyOf = (metric: string): Family => {
    const family = families.get(metric);
    if (family === undefined) throw new RangeError(`metrics: expected one of ${[...families.keys()].join(', ')}, got ${metric}`);
    return family;
  };
  const all = (): Series[] => [...families.values()].flatMap((family) => [...family.series.values()]);
  return {
    add(metric, labels, by = 1) {
      familyOf(metric).of(labels).values[0] += by;
    },
    observe(metric, labels, value) {
      const { bounds } = familyOf(metric);
      const { values } = familyOf(metric).of(labels);
      let bucket = 0;
      while (bucket < bounds.length && value > bounds[bucket]) bucket++;
      values[bucket] += 1;
      values[bounds.length + 1] += value;
    },
    merge(batch) {
      for (const { metric, labels, values } of batch) {
        const family = families.get(metric);
        if (family === undefined || labels.length !== family.labels || values.length !== family.width) continue;
        const own = family.of(labels).values;
        for (const [i, value] of values.entries()) own[i] += value;
      }
    },
    all,
    drain() {
      const series = all();
      for (const family of families.values()) family.series.clear();
      return series;
    },
  };
}

interface Family {
  readonly bounds: readonly number[];
  /** How many there are. */
  readonly labels: number;
  readonly width: number;
  readonly series: Map<string, Series>;
  of(labels: readonly string[]): Series;
}

function createFamily(key: string, metric: Metric): Family {
  const series = new Map<string, Series>();
  const width = widthOf(metric);
  const make = (labels: readonly string[]): Series => {
    const kept = labels.map((value) => value.slice(0, LABEL_CHARS));
    const place = placeOf(kept);
    const made = series.get(place) ?? { metric: key, labels: kept, values: Array.from({ length: width }, () => 0) };
    series.set(place, made);
    return made;
  };
  return {
    bounds: metric.bounds ?? [],
    labels: metric.labels.length,
    width,
    series,
    of: (labels) => series.get(placeOf(labels)) ?? make(series.size < SERIES_LIMIT ? labels : labels.map(() => OTHER)),
  };
}

function placeOf(labels: readonly string[]): string {
  return labels.length === 1 ? labels[0] : labels.join('\0');
}
