// GET /metrics, for Prometheus: to whoever reaches the origin, as Triton has it. It tells of models and counts, of no caller.

import type { Handler } from 'hono';
import { chooseFormat, renderMetrics } from '../../core/observe/exposition.ts';
import type { ModelTable } from '../model-table.ts';
import { ORIGIN_METRICS } from './origin-metrics.ts';
import type { OriginWatch } from './watch.ts';

/** The handler. */
export function metricsRoute(watch: OriginWatch, table: Pick<ModelTable, 'models'>): Handler {
  return (c) => {
    const format = chooseFormat(c.req.header('accept'));
    // The two models of a pack share a queue, which is told under the name of the one that reads text.
    const pending = table.models.flatMap(({ name, reads, predictor, batcher }) =>
      reads === 'text' ? [{ model: name, version: predictor.version, waiting: batcher.waiting() }] : [],
    );
    return c.body(renderMetrics(ORIGIN_METRICS, watch.read(pending), format), 200, { 'content-type': format.contentType, vary: 'accept' });
  };
}
