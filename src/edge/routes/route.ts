// POST /v1/route: what the edge's router makes of a text, without asking an origin.

import { RouteRequest, type RouteAnswer } from '../../contract/http.ts';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { charged } from '../accounts/charged.ts';
import { allowedConfig } from '../allowed.ts';
import type { Bundles } from '../bundles.ts';
import { fromRouter } from '../decide.ts';
import { readJson } from '../read-json.ts';
import type { Route } from '../route.ts';

/** The route. */
export function routeRoute(deps: { readonly bundles: Bundles; readonly now: () => number }): Route {
  return {
    method: 'post',
    path: '/v1/route',
    access: 'route',
    summary: 'Tells which experts the router would mix',
    request: 'RouteRequest',
    answer: 'RouteAnswer',
    charged: true,
    errors: ['forbidden', 'not_found', 'unsupported'],
    handler: async (c) => {
      const input = parseWith(RouteRequest, await readJson(c.req.raw), 'body', 'invalid_request');
      return charged(c, {
        operation: 'route',
        body: input,
        bound: (prices) => prices.route,
        bill: ({ config }, prices) => ({ micros: prices.route, usage: { answers: 1, tokens: 0, configs: [config], experts: [] } }),
        async work(): Promise<RouteAnswer> {
          const deployed = await deps.bundles.load(allowedConfig(c.get('tenant'), input.config));
          const startMs = deps.now();
          const merge = await fromRouter(deployed, input);
          const { config } = deployed.bundle;
          if (merge === undefined)
            throw new TwinrouteError('unsupported', `route: expected a config that the edge routes, got ${config}`, { param: 'config' });
          const { scores, mix, abstained } = merge;
          const ms = deps.now() - startMs;
          c.set('timings', { router: ms });
          c.get('trip').note({ kind: 'routed', config, by: 'edge', abstained, experts: mix.length, startMs, ms });
          return { id: c.get('requestId'), config, scores: [...scores], mix: [...mix], abstained };
        },
      });
    },
  };
}
