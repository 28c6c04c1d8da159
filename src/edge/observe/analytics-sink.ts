// Requests as points of Workers Analytics Engine, one each. Columns are numbered there, so their order is a contract: docs/observability.md has it, and new
// ones are only ever appended. At most 20 blobs, 20 doubles and one index of 96 bytes.

import type { Sink } from './observer.ts';

/** Longest index, in UTF-16 units of what is ASCII. */
const INDEX_BYTES = 96;
/** Index of requests without an account. */
const PUBLIC = 'public';

/** A sink that writes to a dataset. */
export function createAnalyticsSink(dataset: Pick<AnalyticsEngineDataset, 'writeDataPoint'>): Sink {
  return {
    request({ route, method, status, code, colo, ms }, trip) {
      if (trip === undefined) return;
      const { id, trace, facts } = trip;
      dataset.writeDataPoint({
        indexes: [(facts.account || PUBLIC).slice(0, INDEX_BYTES)],
        blobs: [
          route,
          method,
          facts.shed ? 'shed' : (code ?? ''),
          facts.config,
          facts.endpoint,
          facts.experiment,
          facts.arm,
          colo,
          id,
          trace.traceId,
        ],
        doubles: [
          status,
          ms,
          facts.routerMs,
          facts.originMs,
          facts.inputs,
          facts.attempts,
          facts.tokens,
          facts.experts,
          facts.abstained,
          facts.cached,
          facts.micros,
        ],
      });
    },
  };
}
