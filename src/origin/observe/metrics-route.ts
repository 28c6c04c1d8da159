// GET /metrics, for Prometheus: to whoever reaches the origin, as Triton has it. It tells of models and counts, of no caller.

import type { Handler } from 'hono';
import { chooseFormat, renderMetrics } from '../../core/observe/exposition.ts';
import type { MemoryGuard } from '../memory/memory-guard.ts';
import type { ModelTable } from '../model-table.ts';
import { originLevels } from './origin-levels.ts';
import { ORIGIN_METRICS } from './origin-metrics.ts';
import type { OriginWatch } from './watch.ts';

/** The handler. */
export function metricsRoute(
  watch: OriginWatch,
  table: Pick<ModelTable, 'models'>,
  memory: Pick<MemoryGuard, 'counts'> | undefined,
): Handler {
  return (c) => {
    const format = chooseFormat(c.req.header('accept'));
    const series = watch.read(originLevels(table, memory?.counts()));
    return c.body(renderMetrics(ORIGIN_METRICS, series, format), 200, { 'content-type': format.contentType, vary: 'accept' });
  };
}
