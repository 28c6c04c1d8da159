// Load shedding: an isolate that has enough to do refuses at once, before it reads a body, instead of letting requests queue.

import type { MiddlewareHandler } from 'hono';
import { createLeases } from '../../core/balance/leases.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { EdgeTypes } from '../types.ts';

/** How long after its time a request that never ended is forgotten. */
const LEASE_GRACE_MS = 1_000;

/** What shedding needs. */
export interface ShedOptions {
  readonly now: () => number;
  /** Requests under way at once. */
  readonly inFlight: number;
  /** Longest request. */
  readonly requestMs: number;
}

/** Lets `inFlight` requests in at a time; the others hear 429 and when to come again. */
export function shed({ now, inFlight, requestMs }: ShedOptions): MiddlewareHandler<EdgeTypes> {
  const leases = createLeases();
  return async function shedMiddleware(c, next) {
    const nowMs = now();
    if (leases.count(nowMs) >= inFlight) {
      c.get('trip').note({ kind: 'shed' });
      throw new TwinrouteError('overloaded', `edge: expected fewer than ${inFlight} requests under way, got more; try again shortly`, {
        retryAfterSeconds: 1,
      });
    }
    const leave = leases.take(nowMs, nowMs + requestMs + LEASE_GRACE_MS);
    try {
      await next();
    } finally {
      const leaving = c.get('leaving');
      if (leaving === undefined) leave();
      else void leaving.then(leave);
    }
  };
}
