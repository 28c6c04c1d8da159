// The Server-Timing header: whole time, and what the route itself noted. Deployed Workers freeze the clock while computing, so only waiting shows.

import type { MiddlewareHandler } from 'hono';
import type { EdgeTypes } from '../types.ts';

/** Adds `total` to the entries that the route put into the variable `timings`. */
export function serverTiming(options: { readonly now: () => number }): MiddlewareHandler<EdgeTypes> {
  return async function serverTimingMiddleware(c, next) {
    const startMs = options.now();
    c.set('timings', {});
    await next();
    const timings = { ...c.get('timings'), total: options.now() - startMs };
    c.header(
      'server-timing',
      Object.entries(timings)
        .map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`)
        .join(', '),
    );
  };
}
