// What is deployed here: GET /v1/experts, GET /v1/configs and GET /health.

import type { Handler } from 'hono';
import type { ConfigsAnswer, ExpertsAnswer, HealthAnswer } from '../../contract/http.ts';
import type { Bundles } from '../bundles.ts';
import type { PredictDeps } from '../predict.ts';
import type { EdgeTypes } from '../types.ts';

/** Experts of the config that the query names, else of the first. */
export function expertsRoute(deps: { readonly bundles: Bundles }): Handler<EdgeTypes> {
  return async (c) => {
    const { bundle } = await deps.bundles.load(c.req.query('config'));
    return c.json({ config: bundle.config, experts: bundle.experts } satisfies ExpertsAnswer);
  };
}

/** Every deployed config. */
export function configsRoute(deps: { readonly bundles: Bundles }): Handler<EdgeTypes> {
  return async (c) => {
    const configs: ConfigsAnswer['configs'] = [];
    for (const entry of (await deps.bundles.index()).configs) {
      const { bundle } = await deps.bundles.load(entry.config);
      const { config, name, method, parameters, routing } = bundle;
      configs.push({ config, name, method, parameters, routing, experts: bundle.experts.map((expert) => expert.name) });
    }
    return c.json({ configs } satisfies ConfigsAnswer);
  };
}

/** This isolate's view by requests of the first config; fails when the deployed packs cannot be read. */
export function healthRoute(deps: Pick<PredictDeps, 'bundles' | 'endpoints' | 'fleets' | 'now'>): Handler<EdgeTypes> {
  return async (c) => {
    const { configs } = await deps.bundles.index();
    const nowMs = deps.now();
    const fleet = deps.fleets.of(configs[0].config);
    const endpoints = deps.endpoints.map(({ id }) => {
      const { state, inFlight, latencyMs, failureShare } = fleet.of(id).figures(nowMs);
      return { id, up: state === 'up', state, in_flight: inFlight, latency_ms: latencyMs, failure_share: failureShare };
    });
    const status = endpoints.some((endpoint) => endpoint.up) ? 'ok' : 'degraded';
    return c.json({ status, configs: configs.length, endpoints } satisfies HealthAnswer);
  };
}
