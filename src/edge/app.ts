// The edge as a function of its dependencies. Routes and the order of the middleware are each one list.

import { Hono } from 'hono';
import type { CorsOrigins } from '../contract/cors.ts';
import type { Endpoint, EndpointTokens } from '../contract/endpoint.ts';
import type { Upstream } from '../contract/upstream.ts';
import { ERROR_CODE_HEADER, isOipPath, type OipError } from '../contract/oip.ts';
import { createRetryBudget } from '../core/balance/retry-budget.ts';
import { ERROR_CODES, TwinrouteError } from '../core/errors.ts';
import type { SigningContext } from '../formats/signing/request-signature.ts';
import { createAnswerCache } from './answer-cache.ts';
import { adminRoutes } from './accounts/admin.ts';
import { createAuthenticate } from './accounts/authenticate.ts';
import { byKey } from './accounts/by-key.ts';
import type { Accounts } from './accounts/port.ts';
import { statementRoutes } from './accounts/statement.ts';
import type { Bundles } from './bundles.ts';
import { errorBody, toTwinrouteError } from './errors.ts';
import { createExperiments, type ExperimentDeps } from './experiments/experiments.ts';
import { createFleets } from './fleets.ts';
import { cors } from './middleware/cors.ts';
import { checkEndpoints } from './middleware/check-endpoints.ts';
import { freshReleases } from './middleware/fresh-releases.ts';
import { observeRequests } from './middleware/observe.ts';
import { requestId } from './middleware/request-id.ts';
import { serverTiming } from './middleware/server-timing.ts';
import { shed } from './middleware/shed.ts';
import { fleetLevels } from './observe/fleet-levels.ts';
import { metricsRoute } from './observe/metrics-route.ts';
import type { Observation } from './observe/observation.ts';
import type { Observer } from './observe/observer.ts';
import type { Report } from './routes/batch.ts';
import { openApi } from './openapi/document.ts';
import { releaseRoutes } from './releases/admin.ts';
import type { Releases } from './releases/port.ts';
import { honoPath, methodsByPath, type Route } from './route.ts';
import { catalogueRoutes, healthRoute } from './routes/catalogue.ts';
import { documentationRoutes } from './routes/documentation.ts';
import { endpointsRoute } from './routes/endpoints.ts';
import { experimentRoutes } from './routes/experiments.ts';
import { servePage, type FetchPage } from './routes/page.ts';
import { pricesRoutes } from './routes/prices.ts';
import { predictRoute } from './routes/predict.ts';
import { routeRoute } from './routes/route.ts';
import { sleep } from './sleep.ts';
import type { EdgeTypes } from './types.ts';
import { protocolRoutes } from './v2/routes.ts';
import { byPayment } from './x402/by-payment.ts';
import type { Payments } from './x402/port.ts';

/** What the edge is made of. */
export interface AppDeps {
  readonly bundles: Bundles;
  /** Undefined where nothing can be published. */
  readonly releases?: Releases | undefined;
  readonly endpoints: readonly Endpoint[];
  /** What they want as bearer tokens, by their ids. */
  readonly endpointTokens?: EndpointTokens | undefined;
  /** The operator's page; absent where nobody looks. */
  readonly fetchPage?: FetchPage;
  /** Undefined where requests need no key and cost nothing. */
  readonly accounts: Accounts | undefined;
  /** Undefined where requests are not paid for one by one. */
  readonly payments: Payments | undefined;
  readonly fetch: typeof fetch;
  /** Signs requests to origins, and wants receipts; undefined where origins trust the network. */
  readonly signing: SigningContext | undefined;
  /** Milliseconds. */
  readonly now: () => number;
  readonly newId: () => string;
  /** Keeps work running after the request that began it. */
  readonly keepAlive: (work: Promise<unknown>) => void;
  /** Where experiments are published and measured; undefined where there are none. */
  readonly experiments: Pick<ExperimentDeps, 'readPublished' | 'edition' | 'storeOf'> | undefined;
  /** Watches what happens. */
  readonly observation: Observation;
  /** What /metrics wants; undefined leaves it to keys, or to everybody where there are no accounts. */
  readonly metricsToken: string | undefined;
  /** Origins whose pages may call. */
  readonly corsOrigins: CorsOrigins;
  /** How origins are treated. */
  readonly upstream: Upstream;
  /** Numbers in [0, 1). */
  readonly uniform: () => number;
}

/** The app; it keeps what it learns about endpoints for as long as it lives. */
export function createApp(deps: AppDeps): Hono<EdgeTypes> {
  const { upstream, endpoints, observation, now } = deps;
  const { observer } = observation;
  const log = (error: TwinrouteError, about: string): void => observer.note({ kind: 'problem', error, about });
  const report: Report = (thrown, id) => told(observer, thrown, id);
  const fleets = createFleets(endpoints, upstream.endpoint_in_flight);
  const answers = createAnswerCache(upstream.cache, deps.now);
  const experiments = deps.experiments && createExperiments({ ...deps, ...deps.experiments, sleep, log });
  const parts = { ...deps, observer, report, fleets, answers, experiments, budget: createRetryBudget(upstream.retry_budget) };
  const routes: readonly Route[] = [
    predictRoute(parts),
    routeRoute(parts),
    ...catalogueRoutes(parts),
    ...pricesRoutes(deps),
    ...(deps.accounts === undefined ? [] : statementRoutes({ ...deps, accounts: deps.accounts })),
    ...experimentRoutes(parts),
    ...(deps.accounts === undefined ? [] : adminRoutes({ ...deps, accounts: deps.accounts })),
    ...(deps.accounts === undefined || deps.releases === undefined ? [] : releaseRoutes({ ...deps, releases: deps.releases })),
    endpointsRoute(parts),
    ...protocolRoutes(parts),
    healthRoute(parts),
    metricsRoute(deps),
    ...documentationRoutes(() => openApi(routes, { keys: deps.accounts !== undefined, payments: deps.payments !== undefined })),
  ];
  const app = new Hono<EdgeTypes>();
  app.onError((thrown, c) => {
    const id = c.get('requestId');
    const error = told(c.get('trip'), thrown, id);
    c.set('errorCode', error.code);
    if (error.retryAfterSeconds !== undefined) c.header('retry-after', String(error.retryAfterSeconds));
    if (error.code === 'unauthorized') c.header('www-authenticate', 'Bearer');
    const { status } = ERROR_CODES[error.code];
    if (!isOipPath(c.req.path)) return c.json(errorBody(error, id), status);
    c.header(ERROR_CODE_HEADER, error.code);
    return c.json({ error: error.message } satisfies OipError, status);
  });
  const requests = observeRequests({ observer, now, requestMs: upstream.request_ms });
  observation.watch(() => [...fleetLevels(fleets, endpoints, now()), requests.level()]);
  app.use(requestId(deps), requests.middleware, serverTiming(deps), cors({ origins: deps.corsOrigins }));
  app.on(
    'POST',
    ['/v1/*', '/v2/*'],
    shed({ now: deps.now, inFlight: upstream.in_flight, requestMs: upstream.request_ms }),
    checkEndpoints(parts),
  );
  for (const answers of ['/v1/*', '/v2/*']) app.use(answers, freshReleases(deps));
  const { accounts, payments } = deps;
  const authenticate = createAuthenticate(
    [
      ...(payments === undefined ? [] : [byPayment({ ...parts, payments, keys: accounts !== undefined })]),
      ...(accounts === undefined ? [] : [byKey({ ...parts, accounts })]),
    ],
    accounts?.adminSecret,
  );
  // Whatever the path, so that nobody can tell which there are without the secret.
  if (deps.accounts !== undefined) app.use('/admin/*', authenticate('root'));
  for (const { method, path, access, handler } of routes) app.on(method, honoPath(path), authenticate(access), handler);
  if (deps.fetchPage !== undefined) servePage(app, deps.fetchPage);
  for (const [path, methods] of methodsByPath(routes)) {
    app.all(honoPath(path), (c) => {
      c.header('allow', methods.join(', '));
      throw new TwinrouteError('method_not_allowed', `method: expected ${methods.join(' or ')}, got ${c.req.method}`);
    });
  }
  app.all('*', (c) => {
    throw new TwinrouteError('not_found', `path: expected one that /openapi.json lists, got ${c.req.path.slice(0, 100)}`);
  });
  return app;
}

/** The twinroute error of a thrown value, told to who watches. */
function told(watcher: Pick<Observer, 'note'>, thrown: unknown, id: string): TwinrouteError {
  const error = toTwinrouteError(thrown);
  watcher.note({ kind: 'failure', error, id });
  return error;
}
