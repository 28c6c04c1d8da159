// GET /metrics, for Prometheus. With a token of its own only for who has that; else for keys that may read what an operator reads; without accounts and
// token for everybody.

import type { Context } from 'hono';
import { TwinrouteError } from '../../core/errors.ts';
import { equalText } from '../../core/keys/equal-text.ts';
import { chooseFormat, renderMetrics } from '../../core/observe/exposition.ts';
import type { Route } from '../route.ts';
import { sha256Hex } from '../sha256.ts';
import { EDGE_METRICS } from './edge-metrics.ts';
import type { Observation } from './observation.ts';

/** What the route needs. */
export interface MetricsRouteDeps {
  readonly observation: Pick<Observation, 'readMetrics'>;
  readonly metricsToken: string | undefined;
}

/** The route. */
export function metricsRoute({ observation, metricsToken }: MetricsRouteDeps): Route {
  return {
    method: 'get',
    path: '/metrics',
    access: metricsToken === undefined ? 'admin-read' : 'public',
    summary: 'Tells what was counted and measured, for Prometheus',
    answer: { type: 'text/plain', description: "Prometheus's text format 0.0.4" },
    otherwise: { type: 'application/openmetrics-text', description: 'OpenMetrics 1.0.0, for those who ask for it' },
    errors: metricsToken === undefined ? [] : ['unauthorized'],
    handler: async (c) => {
      if (metricsToken !== undefined) await checkToken(c, metricsToken);
      const format = chooseFormat(c.req.header('accept'));
      return c.body(renderMetrics(EDGE_METRICS, await observation.readMetrics(), format), 200, {
        'content-type': format.contentType,
        'cache-control': 'no-store',
        vary: 'accept',
      });
    },
  };
}

async function checkToken(c: Context, token: string): Promise<void> {
  const sent = /^Bearer (.{1,1000})$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
  // Hashes are of one length, and tell nothing by where they differ.
  if (equalText(await sha256Hex(sent), await sha256Hex(token))) return;
  throw new TwinrouteError('unauthorized', 'authorization: expected the token of metrics, got something else', { param: 'authorization' });
}
