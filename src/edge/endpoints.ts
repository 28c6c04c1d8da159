// The deployment's endpoints, and where they may lie.

import * as z from 'zod/mini';
import { Endpoints, EndpointTokens, type Endpoint } from '../contract/endpoint.ts';
import { Upstream } from '../contract/upstream.ts';
import { parseJsonWith, parseWith } from '../contract/parse.ts';
import { TwinrouteError } from '../core/errors.ts';
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
 * The endpoints of the variable ENDPOINTS, and their tokens.
 * @throws {TwinrouteError} `unavailable` when it is no list of them, one lies where requests may not go, or a token is for nobody
 */
export function openEndpoints(env: Pick<EdgeEnv, 'ENDPOINTS' | 'ENDPOINT_TOKENS' | 'OUTBOUND'>): {
  readonly endpoints: readonly Endpoint[];
  readonly endpointTokens: EndpointTokens;
} {
  const reach = reachOf(env);
  const endpoints = parseJsonWith(Endpoints, env.ENDPOINTS, 'ENDPOINTS', 'unavailable');
  for (const { id, url } of endpoints) outboundUrl(url, reach, `ENDPOINTS: ${id}`, 'unavailable');
  const endpointTokens = parseJsonWith(EndpointTokens, env.ENDPOINT_TOKENS ?? '{}', 'ENDPOINT_TOKENS', 'unavailable');
  const other = Object.keys(endpointTokens).find((name) => !endpoints.some(({ id }) => id === name));
  if (other !== undefined)
    throw new TwinrouteError('unavailable', `ENDPOINT_TOKENS: expected ids that ENDPOINTS lists, got ${other}`, { param: other });
  return { endpoints, endpointTokens };
}

/**
 * How the deployment treats them.
 * @throws {TwinrouteError} `unavailable` for a variable that does not fit
 */
export function openUpstream({ UPSTREAM }: Pick<EdgeEnv, 'UPSTREAM'>): Upstream {
  return parseJsonWith(Upstream, UPSTREAM ?? '{}', 'UPSTREAM', 'unavailable');
}
