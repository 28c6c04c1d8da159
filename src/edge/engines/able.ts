// Which endpoints have an engine that can do what is wanted: other people's engines route by no router of ours, take no text pairs, or have no heads.

import type { Endpoint } from '../../contract/endpoint.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { place } from '../../core/placement.ts';
import type { Dispatch } from '../attempt.ts';
import { engineAt } from './registry.ts';

/**
 * Those of the endpoints that can; those that serve the job's config but cannot are left out.
 * @throws {TwinrouteError} `unsupported` when all that hold a part of the job are of an engine that cannot
 */
export function ableEndpoints(endpoints: readonly Endpoint[], job: Dispatch): readonly Endpoint[] {
  let reason: string | undefined;
  const able = endpoints.filter((endpoint) => {
    const why = whyNot(endpoint, job);
    reason ??= why;
    return why === undefined;
  });
  if (reason === undefined || able.some((endpoint) => holding(endpoint, job) !== undefined)) return able;
  throw new TwinrouteError('unsupported', `predict: expected an endpoint whose engine can ${reason}, got none`);
}

/** What the endpoint's engine would have to be able to do; undefined when it can, or has no part in the job. */
function whyNot(endpoint: Endpoint, job: Dispatch): string | undefined {
  const engine = engineAt(endpoint);
  // Ours does everything that there is; endpoints are many, and this is asked with every request.
  if (engine.routes) return undefined;
  const held = holding(endpoint, job);
  if (held === undefined) return undefined;
  const { bundle, row, originRoutes } = job;
  return engine.cannot({ bundle, row, originRoutes, merge: originRoutes ? undefined : held });
}

function holding(endpoint: Endpoint, { placement }: Dispatch) {
  const all = (): true => true;
  return place(
    placement,
    [endpoint],
    all,
    ([first]) => first,
    () => engineAt(endpoint).mostExperts,
  );
}
