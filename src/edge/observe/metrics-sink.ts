// Events as metrics. They are counted in this isolate and sent on together: to a Durable Object that sums over isolates, in a deployment.

import { createMetricSet, type MetricSet } from '../../core/observe/metric-set.ts';
import type { MetricsBatch } from '../../core/observe/aggregate.ts';
import { EDGE_METRICS, type EdgeMetric } from './edge-metrics.ts';
import { PAYING } from './event.ts';
import type { Levels, Sink } from './observer.ts';

/** Where batches go. */
export type SendMetrics = (batch: MetricsBatch) => Promise<unknown>;

/** What counting needs. */
export interface MetricsSinkDeps {
  readonly send: SendMetrics;
  /** Name of this isolate. */
  readonly reporter: string;
  readonly levels: Levels;
  /** There is something to send. */
  readonly touch: () => void;
}

/** A sink, and what sends what it has counted. */
export interface MetricsSink {
  readonly sink: Sink;
  /** Sends everything. What fails is sent again the next time, under its number, so that it counts once. Never rejects. */
  flush(): Promise<void>;
}

/** Nothing counted. */
export function createMetricsSink({ send, reporter, levels, touch }: MetricsSinkDeps): MetricsSink {
  const counted = createMetricSet(EDGE_METRICS);
  let unsent: MetricsBatch | undefined;
  let seq = 0;
  let flight: Promise<void> | undefined;
  const sendAll = async (): Promise<void> => {
    try {
      if (unsent !== undefined) await send(unsent);
      unsent = { reporter, seq: ++seq, series: counted.drain(), levels: levels() };
      await send(unsent);
      unsent = undefined;
    } catch {
      // Kept; meanwhile what happens is counted on.
    }
  };
  return {
    sink: countingSink(counted, touch),
    flush: () =>
      (flight ??= sendAll().finally(() => {
        flight = undefined;
      })),
  };
}

function countingSink(counted: MetricSet<EdgeMetric>, touch: () => void): Sink {
  return {
    request({ route, method, status, ms }) {
      counted.add('requests', [route, method, `${Math.floor(status / 100)}xx`]);
      counted.observe('requestSeconds', [route], ms / 1000);
      touch();
    },
    shed: () => counted.add('shed', []),
    failure({ error }) {
      counted.add('errors', [error.code]);
      touch();
    },
    problem({ error, about }) {
      counted.add('errors', [error.code]);
      if (about === 'releases') counted.add('configs', ['release', error.code]);
      touch();
    },
    routed({ config, by, abstained, experts, ms }) {
      counted.add('decisions', [config, by, String(abstained)]);
      counted.observe('routerSeconds', [config], ms / 1000);
      if (by !== 'origin') counted.observe('mixExperts', [config], experts);
    },
    attempt({ endpoint, purpose, outcome, ms }) {
      counted.add('attempts', [endpoint, purpose, outcome]);
      counted.observe('attemptSeconds', [endpoint], ms / 1000);
    },
    answered({ config, tokens, cached, ms }) {
      if (cached) return;
      counted.observe('originSeconds', [config], ms / 1000);
      counted.add('tokens', [config], tokens);
    },
    lookup: ({ hit }) => counted.add('lookups', [hit ? 'hit' : 'miss']),
    ledger({ step, outcome, micros }) {
      counted.add('ledger', [step, outcome]);
      if (PAYING.has(step) && outcome === 'settled') counted.add('chargedMicros', [], micros);
    },
    exposure: ({ experiment, arm }) => counted.add('exposures', [experiment, arm]),
    shadow: ({ experiment, outcome }) => counted.add('shadows', [experiment, outcome]),
    config({ config, outcome }) {
      counted.add('configs', [config, outcome]);
      touch();
    },
    dropped: ({ what, why, count }) => counted.add('dropped', [what, why], count),
  };
}
