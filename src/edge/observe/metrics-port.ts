// Where an isolate's metrics go and come back from.

import { createAggregate, type MetricsBatch } from '../../core/observe/aggregate.ts';
import type { Series } from '../../core/observe/metric.ts';
import { EDGE_METRICS } from './edge-metrics.ts';

/** Sums over isolates; a Durable Object in a deployment. */
export interface MetricsStore {
  add(batch: MetricsBatch): Promise<unknown>;
  read(): Promise<readonly Series[]>;
}

/** Sums of this isolate alone, where no Durable Object is bound: they begin anew with every isolate. */
export function localMetrics(now: () => number): MetricsStore {
  const aggregate = createAggregate(EDGE_METRICS);
  return {
    add: async (batch) => aggregate.add(batch, now()),
    read: async () => [...aggregate.read(now()), { metric: 'isolates', labels: [], values: [aggregate.reporters(now())] }],
  };
}
