// The server's wiring: what a request passes, in order.

import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { TwinrouteError } from '../core/errors.ts';
import { ERROR_CODE_HEADER } from '../contract/oip.ts';
import { closeConnections } from './drain-gate.ts';
import { errorHandler } from './error-response.ts';
import { withinMemory } from './memory/within-memory.ts';
import { metricsRoute } from './observe/metrics-route.ts';
import { oipRoutes, type OipDeps } from './oip-routes.ts';
import { adminRoutes } from './repository/admin-routes.ts';
import { signedRequests, type Trust } from './signed-requests.ts';
import { requestId, type OriginEnv } from './request-id.ts';

/** What the server needs. */
export interface OriginDeps extends OipDeps {
  readonly log: (line: string) => void;
  /** A new request id. */
  readonly newId: () => string;
  /** Edges that may ask; anybody when undefined. */
  readonly trust?: Trust | undefined;
  /** The operator's, for loading and unloading; nobody may when undefined. */
  readonly adminToken?: string | undefined;
}

/** The origin as a function from request to response. */
export function createApp(deps: OriginDeps): Hono<OriginEnv> {
  const app = new Hono<OriginEnv>();
  const onError = errorHandler(deps);
  app.use(requestId(deps));
  app.use(closeConnections(deps.gate));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed(c, methods) {
        // hono keeps the headers of the response that this one replaces, and that was a 404.
        c.header(ERROR_CODE_HEADER, undefined);
        const response = onError(
          new TwinrouteError('method_not_allowed', `${c.req.path}: expected ${methods.join(' or ')}, got ${c.req.method}`),
          c,
        );
        response.headers.set('allow', methods.join(', '));
        return response;
      },
    }),
  );
  app.route('/v2/repository/models', adminRoutes({ ...deps, repository: deps.repository, adminToken: deps.adminToken }));
  // Before a signature is verified: that takes the whole body.
  if (deps.memory !== undefined) app.use('/v2/models/*', withinMemory(deps.memory));
  if (deps.trust !== undefined) app.use('/v2/*', signedRequests(deps.trust, deps));
  app.route('/v2', oipRoutes(deps));
  if (deps.watch !== undefined) app.get('/metrics', metricsRoute(deps.watch, deps.table, deps.memory));
  app.notFound((c) => onError(new TwinrouteError('not_found', `${c.req.path}: no such path`), c));
  app.onError(onError);
  return app;
}
