// The Durable Object that sums metrics over isolates. One for the deployment.
//
// Every isolate sends what it counted since its last batch, at most every ten seconds: counters never go back when isolates end. Sums are in memory and are
// written when they are read, so that nothing that was shown is ever taken back, and half a minute after they changed: an object that is ended in
// between loses at most that. A batch that comes twice counts once.

import { DurableObject } from 'cloudflare:workers';
import { createAggregate, type Aggregate, type MetricsBatch, type SavedAggregate } from '../../core/observe/aggregate.ts';
import type { Series } from '../../core/observe/metric.ts';
import type { EdgeEnv } from '../env.ts';
import { EDGE_METRICS } from '../observe/edge-metrics.ts';
import { migrate } from './migrate.ts';

const TABLES = ['CREATE TABLE saved (part TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID'] as const;
/** Longest time that sums are in memory alone. */
const SAVE_MS = 30_000;
/** The part that has no series. */
const REPORTERS = 'reporters';

/** Sums over isolates. */
export class Metrics extends DurableObject<EdgeEnv> {
  readonly #aggregate: Aggregate;
  /** Metrics whose series are not saved yet. */
  readonly #changed = new Set<string>();
  /** Whether the alarm is set. */
  #due = false;

  constructor(state: DurableObjectState, env: EdgeEnv) {
    super(state, env);
    migrate(state.storage, TABLES);
    this.#aggregate = createAggregate(EDGE_METRICS, this.#load());
  }

  /** Adds what an isolate counted. */
  add(batch: MetricsBatch): void {
    if (this.#aggregate.add(batch, Date.now())) this.#touch(batch.series);
  }

  /** Adds what somebody counted who has no more to say. It may count twice when the call is made again. */
  count(series: readonly Series[]): void {
    this.#aggregate.count(series);
    this.#touch(series);
  }

  /** Every series of every isolate that was heard of, and how many those are. */
  read(): readonly Series[] {
    this.#save();
    const nowMs = Date.now();
    return [...this.#aggregate.read(nowMs), { metric: 'isolates', labels: [], values: [this.#aggregate.reporters(nowMs)] }];
  }

  override alarm(): void {
    this.#due = false;
    this.#save();
  }

  #touch(series: readonly Series[]): void {
    for (const { metric } of series) this.#changed.add(metric);
    if (this.#due) return;
    this.#due = true;
    void this.ctx.storage.setAlarm(Date.now() + SAVE_MS);
  }

  /** A row for each metric that changed: a value holds two megabytes, and few metrics change at once. */
  #save(): void {
    if (this.#changed.size === 0) return;
    const { series, reporters } = this.#aggregate.save(Date.now());
    this.ctx.storage.transactionSync(() => {
      for (const metric of this.#changed)
        this.#put(
          metric,
          series.filter((one) => one.metric === metric),
        );
      this.#put(REPORTERS, reporters);
    });
    this.#changed.clear();
  }

  #put(part: string, value: unknown): void {
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO saved VALUES (?, ?)', part, JSON.stringify(value));
  }

  #load(): SavedAggregate {
    const rows = this.ctx.storage.sql.exec<{ part: string; value: string }>('SELECT part, value FROM saved').toArray();
    return {
      series: rows.flatMap(({ part, value }) => (part === REPORTERS ? [] : readSeries(value))),
      reporters: rows.flatMap(({ part, value }) => (part === REPORTERS ? readReporters(value) : [])),
    };
  }
}

/** What `#save` wrote; the object is the only writer of its table. */
function readSeries(text: string): Series[] {
  return JSON.parse(text);
}

function readReporters(text: string): SavedAggregate['reporters'] {
  return JSON.parse(text);
}
