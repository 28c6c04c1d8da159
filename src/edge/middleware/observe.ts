// Every request is watched from its arrival to its answer, and goes on with the trace that its caller began.

import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { createLeases } from '../../core/balance/leases.ts';
import { formatTraceparent, parseTraceContext } from '../../core/observe/trace-context.ts';
import type { Series } from '../../core/observe/metric.ts';
import type { EdgeMetric } from '../observe/edge-metrics.ts';
import type { Observer } from '../observe/observer.ts';
import { regionsOf } from '../regions.ts';
import type { EdgeTypes } from '../types.ts';

/** Header of answers: the request's place in a trace. Source: W3C Trace Context level 2 (draft) */
const RESPONSE_HEADER = 'traceresponse';
/** How long after its time a request that never ended is forgotten. */
const LEASE_GRACE_MS = 1_000;

/** What watching needs. */
export interface ObserveOptions {
  readonly observer: Observer;
  readonly now: () => number;
  /** Longest request. */
  readonly requestMs: number;
}

/** The middleware, and how many requests are under way. */
export interface RequestObserver {
  readonly middleware: MiddlewareHandler<EdgeTypes>;
  level(): Series;
}

/** Sets the variable `trip`, and tells of the request once it has ended. */
export function observeRequests({ observer, now, requestMs }: ObserveOptions): RequestObserver {
  const metric: EdgeMetric = 'inFlight';
  const underWay = createLeases();
  return {
    level: () => ({ metric, labels: [], values: [underWay.count(now())] }),
    async middleware(c, next) {
      const startMs = now();
      const leave = underWay.take(startMs, startMs + requestMs + LEASE_GRACE_MS);
      const trip = observer.begin(c.get('requestId'), parseTraceContext(c.req.header('traceparent'), c.req.header('tracestate')));
      c.set('trip', trip);
      c.header(RESPONSE_HEADER, formatTraceparent(trip.trace));
      const end = (): void => {
        leave();
        const tenant = c.get('tenant');
        if (tenant !== undefined) trip.account(tenant.account);
        trip.note({
          kind: 'request',
          method: c.req.method,
          route: routeOf(c),
          status: c.res.status,
          code: c.get('errorCode'),
          colo: regionsOf(c.req.raw).at(-1) ?? '',
          startMs,
          ms: now() - startMs,
        });
      };
      try {
        await next();
      } finally {
        // A body that is made while it is read is a part of the request.
        const leaving = c.get('leaving');
        if (leaving === undefined) end();
        else void leaving.then(end, end);
      }
    },
  };
}

/** The template of the path that answered; a path that there is not has none, whatever it is. */
function routeOf(c: Context<EdgeTypes>): string {
  return matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'))?.path ?? 'other';
}
