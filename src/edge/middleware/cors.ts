// Calls from pages of other origins: which may be made, and what their scripts may read of the answers. Never with cookies, of which there are
// none here: a key in the authorization header is the page's own doing. Source: https://fetch.spec.whatwg.org/#http-cors-protocol

import type { MiddlewareHandler } from 'hono';
import type { CorsOrigins } from '../../contract/cors.ts';
import type { EdgeTypes } from '../types.ts';

/** Paths that pages may call; the admin API is not among them. */
const PATHS = /^\/(v1\/.*|v2|v2\/.*|openapi\.json)$/;
/** How long a browser may remember a preflight, in seconds; Chromium's longest. */
const MAX_AGE_SECONDS = 7_200;

/** Methods of all these paths. */
const METHODS = 'GET, POST';

/** Headers that callers send. */
const SENT = [
  'authorization',
  'content-type',
  'idempotency-key',
  'x-request-id',
  'x-request-timeout-ms',
  'x-twinroute-arm',
  'inference-header-content-length',
  'payment-signature',
  // @x402/fetch sends this beside a payment, though it is a header of answers.
  'access-control-expose-headers',
  'traceparent',
  'tracestate',
];

/** Headers that their scripts may read. */
const READ = [
  'x-request-id',
  'server-timing',
  'traceresponse',
  'retry-after',
  'www-authenticate',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'ratelimit',
  'ratelimit-policy',
  'x-usage-micros',
  'x-usage-tokens',
  'x-usage-currency',
  'x-balance-micros',
  'idempotent-replayed',
  'inference-header-content-length',
  'x-error-code',
  'payment-required',
  'payment-response',
];

/** Answers preflights, and tells browsers which pages may read an answer. */
export function cors({ origins }: { readonly origins: CorsOrigins }): MiddlewareHandler<EdgeTypes> {
  const any = origins.includes('*');
  const listed = new Set<string>(origins);
  return async function corsMiddleware(c, next) {
    if (!PATHS.test(c.req.path)) return next();
    // A cache must not give one page's permission to another; also where this request came from none.
    if (!any) c.header('vary', 'origin', { append: true });
    const origin = c.req.header('origin');
    if (origin === undefined || !(any || listed.has(origin))) return next();
    c.header('access-control-allow-origin', any ? '*' : origin);
    if (c.req.method !== 'OPTIONS' || c.req.header('access-control-request-method') === undefined) {
      c.header('access-control-expose-headers', READ.join(', '));
      return next();
    }
    c.header('access-control-allow-methods', METHODS);
    c.header('access-control-allow-headers', SENT.join(', '));
    c.header('access-control-max-age', String(MAX_AGE_SECONDS));
    return c.body(null, 204);
  };
}
