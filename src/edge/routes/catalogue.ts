// What is deployed here: GET /v1/experts, GET /v1/configs and GET /health.

import type { ConfigsAnswer, ExpertsAnswer, HealthAnswer } from '../../contract/http.ts';
import { allowedConfig } from '../allowed.ts';
import type { Bundles } from '../bundles.ts';
import type { PredictDeps } from '../predict.ts';
import type { Releases } from '../releases/port.ts';
import type { Route } from '../route.ts';

/** The lists of experts and configs. */
export function catalogueRoutes(deps: { readonly bundles: Bundles }): readonly Route[] {
  return [
    {
      method: 'get',
      path: '/v1/experts',
      access: 'key',
      summary: 'Lists the experts of a config',
      parameters: ['config'],
      answer: 'ExpertsAnswer',
      errors: ['not_found', 'forbidden'],
      async handler(c) {
        const { bundle } = await deps.bundles.load(allowedConfig(c.get('tenant'), c.req.query('config')));
        return c.json({ config: bundle.config, experts: bundle.experts } satisfies ExpertsAnswer);
      },
    },
    {
      method: 'get',
      path: '/v1/configs',
      access: 'key',
      summary: 'Lists the deployed configs that the key allows; the first is the default',
      answer: 'ConfigsAnswer',
      async handler(c) {
        const allowed = c.get('tenant')?.configs;
        const configs: ConfigsAnswer['configs'] = [];
        for (const entry of (await deps.bundles.index()).configs) {
          if (allowed?.includes(entry.config) === false) continue;
          const { bundle } = await deps.bundles.load(entry.config);
          const { config, name, method, parameters, routing } = bundle;
          configs.push({ config, name, method, parameters, routing, experts: bundle.experts.map((expert) => expert.name) });
        }
        return c.json({ configs } satisfies ConfigsAnswer);
      },
    },
  ];
}

/** This isolate's view by requests of the first config; fails when the deployed packs cannot be read. */
export function healthRoute(
  deps: Pick<PredictDeps, 'bundles' | 'endpoints' | 'fleets' | 'now'> & { readonly releases?: Pick<Releases, 'status'> | undefined },
): Route {
  return {
    method: 'get',
    path: '/health',
    access: 'public',
    summary: 'Tells what this isolate knows about its endpoints',
    answer: 'HealthAnswer',
    async handler(c) {
      const { configs } = await deps.bundles.index();
      const nowMs = deps.now();
      const fleet = deps.fleets.of(configs[0].config);
      const endpoints = deps.endpoints.map(({ id }) => {
        const { state, inFlight, latencyMs, failureShare } = fleet.of(id).figures(nowMs);
        return { id, up: state === 'up', state, in_flight: inFlight, latency_ms: latencyMs, failure_share: failureShare };
      });
      const status = endpoints.some((endpoint) => endpoint.up) ? 'ok' : 'degraded';
      const release = await deps.releases?.status();
      return c.json({ status, configs: configs.length, endpoints, ...(release && { release }) } satisfies HealthAnswer);
    },
  };
}
