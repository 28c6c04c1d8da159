// Endpoints as this isolate sees them, as levels.

import type { Endpoint } from '../../contract/endpoint.ts';
import type { Series } from '../../core/observe/metric.ts';
import type { Fleets } from '../fleets.ts';
import type { EdgeMetric } from './edge-metrics.ts';

/** One series for each config and endpoint: this isolate sees it in that state. */
export function fleetLevels(fleets: Fleets, endpoints: readonly Endpoint[], nowMs: number): Series[] {
  const metric: EdgeMetric = 'endpointStates';
  return Array.from(fleets.byConfig(), ([config, fleet]) =>
    endpoints.map(({ id }) => ({ metric, labels: [config, id, fleet.of(id).state(nowMs)], values: [1] })),
  ).flat();
}
