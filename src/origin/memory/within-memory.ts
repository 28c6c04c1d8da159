// Requests are let in as long as there is memory for them.

import type { MiddlewareHandler } from 'hono';
import { OIP_LIMITS } from '../../contract/oip.ts';
import type { MemoryGuard } from './memory-guard.ts';

/** A body, its tensors, its rows and its answer take about this many times the body. */
const COPIES = 4;
/** What a request takes however short it is. */
const LEAST_BYTES = 64 << 10;

/** Refuses with 503 what does not fit. */
export function withinMemory(guard: Pick<MemoryGuard, 'enter'>): MiddlewareHandler {
  return async function withinMemoryMiddleware(c, next) {
    // Probes and metadata cost nothing, and are wanted most when there is little.
    if (c.req.method !== 'POST') return next();
    const declared = Number(c.req.header('content-length') ?? Number.NaN);
    // Who does not say how much comes may send as much as is allowed.
    const body = Number.isFinite(declared) ? Math.min(Math.max(declared, 0), OIP_LIMITS.bodyBytes) : OIP_LIMITS.bodyBytes;
    const leave = guard.enter(LEAST_BYTES + COPIES * body);
    try {
      return await next();
    } finally {
      leave();
    }
  };
}
