// Releases are read before a request's prices are looked at: those are told without waiting, as they were last read.

import type { MiddlewareHandler } from 'hono';
import type { Releases } from '../releases/port.ts';

/** Waits for the release that is served, where there are any; nearly always it is known. */
export function freshReleases({ releases }: { readonly releases?: Pick<Releases, 'current'> | undefined }): MiddlewareHandler {
  return async function freshReleasesMiddleware(_, next) {
    await releases?.current();
    await next();
  };
}
