// Active health, on demand: after a request has its answer, endpoints that were not asked for a while whether they are ready are asked.

import type { MiddlewareHandler } from 'hono';
import type { Endpoint, EndpointTokens } from '../../contract/endpoint.ts';
import { readBounded } from '../../contract/read-bounded.ts';
import type { Upstream } from '../../contract/upstream.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { parseBody } from '../engines/parse-body.ts';
import { engineAt } from '../engines/registry.ts';
import { tokenHeader } from '../engines/token-header.ts';
import type { Fleets } from '../fleets.ts';
import type { EdgeTypes } from '../types.ts';

/** Longest answer that is read: thousands of adapters. */
const READY_BYTES = 1 << 20;

/** What checking needs. */
export interface CheckOptions {
  readonly endpoints: readonly Endpoint[];
  readonly endpointTokens?: EndpointTokens | undefined;
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

async function check({ fleets, fetch, now, upstream, endpointTokens = {} }: CheckOptions, endpoint: Endpoint): Promise<void> {
  let ready = false;
  try {
    const engine = engineAt(endpoint);
    const response = await fetch(engine.readyUrl, {
      headers: tokenHeader(endpointTokens, endpoint),
      redirect: 'manual',
      signal: AbortSignal.timeout(upstream.attempt_ms),
    });
    const told = engine.isReady === undefined ? undefined : parseBody(await readBounded(response, READY_BYTES, tooLarge));
    await response.body?.cancel().catch(() => undefined);
    ready = response.status === 200 && (engine.isReady?.(told) ?? true);
  } catch {
    // Not reached, or not in time.
  }
  for (const fleet of fleets.known()) fleet.of(endpoint.id).checked(ready, now());
}

function tooLarge(): Error {
  return new TwinrouteError('upstream', `check: expected at most ${READY_BYTES} bytes, got more`);
}
