// The deployment's endpoints, and where they may lie.

import * as z from 'zod/mini';
import { Endpoints, type Endpoint } from '../contract/edge-bundle.ts';
import { Upstream } from '../contract/upstream.ts';
import { parseJsonWith, parseWith } from '../contract/parse.ts';
import { outboundUrl, REACHES, type Reach } from '../formats/outbound-url.ts';
import type { EdgeEnv } from './env.ts';

/**
 * The networks that the Worker may send requests to: the public one, unless the deployment says more.
 * @throws {TwinrouteError} `unavailable` for a word that names none
 */
export function reachOf({ OUTBOUND }: Pick<EdgeEnv, 'OUTBOUND'>): Reach {
  return parseWith(z.enum(REACHES), OUTBOUND ?? 'public', 'OUTBOUND', 'unavailable');
}

/**
 * The endpoints of the variable ENDPOINTS.
 * @throws {TwinrouteError} `unavailable` when it is no list of them, or one lies where requests may not go
 */
export function openEndpoints(env: Pick<EdgeEnv, 'ENDPOINTS' | 'OUTBOUND'>): readonly Endpoint[] {
  const reach = reachOf(env);
  const endpoints = parseJsonWith(Endpoints, env.ENDPOINTS, 'ENDPOINTS', 'unavailable');
  for (const { id, url } of endpoints) outboundUrl(url, reach, `ENDPOINTS: ${id}`, 'unavailable');
  return endpoints;
}

/**
 * How the deployment treats them.
 * @throws {TwinrouteError} `unavailable` for a variable that does not fit
 */
export function openUpstream({ UPSTREAM }: Pick<EdgeEnv, 'UPSTREAM'>): Upstream {
  return parseJsonWith(Upstream, UPSTREAM ?? '{}', 'UPSTREAM', 'unavailable');
}
