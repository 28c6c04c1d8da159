// GET /v1/endpoints: the operator's view of origins, config by config.

import type { Endpoint } from '../../contract/endpoint.ts';
import type { EndpointsAnswer } from '../../contract/endpoints.ts';
import type { PredictDeps } from '../predict.ts';
import type { Route } from '../route.ts';

type EndpointsDeps = Pick<PredictDeps, 'bundles' | 'endpoints' | 'fleets' | 'now'>;

/** The route. */
export function endpointsRoute(deps: EndpointsDeps): Route {
  return {
    method: 'get',
    path: '/v1/endpoints',
    access: 'admin-read',
    summary: 'Tells what this isolate has learnt about each endpoint',
    answer: 'EndpointsAnswer',
    async handler(c) {
      const configs = (await deps.bundles.index()).configs.map(({ config }) => config);
      const describe = (endpoint: Endpoint): EndpointsAnswer['endpoints'][number] => ({
        id: endpoint.id,
        ...(endpoint.region !== undefined && { region: endpoint.region }),
        experts: endpoint.experts,
        configs: configs
          .filter((config) => endpoint.configs?.includes(config) ?? true)
          .map((config) => ({ config, ...figuresOf(deps, endpoint.id, config) })),
      });
      return c.json({ endpoints: deps.endpoints.map(describe) } satisfies EndpointsAnswer);
    },
  };
}

function figuresOf({ fleets, now }: EndpointsDeps, id: string, config: string) {
  const member = fleets.of(config).of(id);
  const { state, inFlight, latencyMs, failureShare } = member.figures(now());
  return { state, in_flight: inFlight, latency_ms: latencyMs, p95_ms: member.quantileMs(0.95) ?? null, failure_share: failureShare };
}
