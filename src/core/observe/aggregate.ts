// The sums of many reporters whose batches may come twice: each names itself and numbers its batches, so one that was counted is known again.
// Levels (gauges) are the latest of each reporter, and count until it has been silent for a while.

import { createMetricSet } from './metric-set.ts';
import type { MetricTable, Series } from './metric.ts';

/** What one reporter saw since its last batch. */
export interface MetricsBatch {
  readonly reporter: string;
  /** From 1, by one. */
  readonly seq: number;
  /** Additions to counters and histograms. */
  readonly series: readonly Series[];
  /** Levels as they are now. */
  readonly levels: readonly Series[];
}

/** Where a reporter stands. */
export interface Reporter {
  readonly seq: number;
  readonly heardMs: number;
}

/** Silent for so long, a reporter's levels no longer count. */
const SILENT_MS = 60_000;
/** Silent for so long, a reporter sends nothing again. */
const GONE_MS = 600_000;

/** What can be saved of an aggregate, and made into one again. */
export interface SavedAggregate {
  readonly series: readonly Series[];
  readonly reporters: readonly (readonly [string, Reporter])[];
}

/** Sums over reporters. */
export interface Aggregate {
  /** Adds a batch; false when it was added before. */
  add(batch: MetricsBatch, nowMs: number): boolean;
  /** Adds series of somebody who does not report again. */
  count(series: readonly Series[]): void;
  /** All sums and levels. */
  read(nowMs: number): Series[];
  /** Reporters that were heard of late. */
  reporters(nowMs: number): number;
  save(nowMs: number): SavedAggregate;
}

/** An aggregate as it was saved, or an empty one. Levels are not saved: reporters send them again. */
export function createAggregate(table: MetricTable, saved: SavedAggregate = { series: [], reporters: [] }): Aggregate {
  const sums = createMetricSet(table);
  sums.merge(saved.series);
  const reporters = new Map(saved.reporters);
  const levels = new Map<string, readonly Series[]>();
  const heard = (nowMs: number): string[] => [...reporters].flatMap(([name, { heardMs }]) => (nowMs - heardMs < SILENT_MS ? [name] : []));
  return {
    add({ reporter, seq, series, levels: own }, nowMs) {
      const isNew = seq > (reporters.get(reporter)?.seq ?? 0);
      reporters.set(reporter, { seq: Math.max(seq, reporters.get(reporter)?.seq ?? 0), heardMs: nowMs });
      if (!isNew) return false;
      levels.set(reporter, own);
      sums.merge(series);
      return true;
    },
    count: (series) => sums.merge(series),
    read(nowMs) {
      const summed = createMetricSet(table);
      for (const name of heard(nowMs)) summed.merge(levels.get(name) ?? []);
      return [...sums.all(), ...summed.all()];
    },
    reporters: (nowMs) => heard(nowMs).length,
    save(nowMs) {
      for (const [name, { heardMs }] of reporters) {
        if (nowMs - heardMs < GONE_MS) continue;
        reporters.delete(name);
        levels.delete(name);
      }
      return { series: sums.all(), reporters: [...reporters] };
    },
  };
}
