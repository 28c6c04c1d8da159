// Active health, on demand: after a request has its answer, endpoints that were not asked for a while whether they are ready are asked.

import type { MiddlewareHandler } from 'hono';
import type { Endpoint } from '../../contract/endpoint.ts';
import type { Upstream } from '../../contract/upstream.ts';
import type { Fleets } from '../fleets.ts';
import type { EdgeTypes } from '../types.ts';

/** What checking needs. */
export interface CheckOptions {
  readonly endpoints: readonly Endpoint[];
  readonly fleets: Fleets;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly upstream: Pick<Upstream, 'attempt_ms' | 'check'>;
  /** Keeps work running after the request that began it. */
  readonly keepAlive: (work: Promise<unknown>) => void;
}

/** Checks each endpoint at most once an interval; does nothing where no interval is set. No request waits for a check. */
export function checkEndpoints(options: CheckOptions): MiddlewareHandler<EdgeTypes> {
  const { endpoints, now, keepAlive, upstream } = options;
  const checkedMs = new Map<string, number>();
  return async function checkEndpointsMiddleware(_c, next) {
    await next();
    const intervalMs = upstream.check?.interval_ms;
    if (intervalMs === undefined) return;
    const nowMs = now();
    for (const endpoint of endpoints) {
      if (nowMs - (checkedMs.get(endpoint.id) ?? Number.NEGATIVE_INFINITY) < intervalMs) continue;
      checkedMs.set(endpoint.id, nowMs);
      keepAlive(check(options, endpoint));
    }
  };
}

async function check({ fleets, fetch, now, upstream }: CheckOptions, { id, url }: Endpoint): Promise<void> {
  let ready = false;
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/v2/health/ready`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(upstream.attempt_ms),
    });
    await response.body?.cancel();
    ready = response.status === 200;
  } catch {
    // Not reached, or not in time.
  }
  for (const fleet of fleets.known()) fleet.of(id).checked(ready, now());
}
