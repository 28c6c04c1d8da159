// Which keys' requests are worked on while their reservation is still under way. Nothing is answered before it has come, and what is refused meanwhile
// is thrown away: all that a head start can cost is an origin's work. It is for keys that had plenty left a moment ago, so that this hardly ever
// happens, and a key that was refused has to wait for its next reservation first.

import type { OpenedCall } from './port.ts';

/** How long ago a reservation may have been. */
const RECENT_MS = 10_000;
/** Requests of the same price that the credit has to be good for, and requests that have to be left in the minute of a key that has a rate. */
const PLENTY = 100;
/** Keys that are remembered. */
const KEYS = 10_000;

/** What an isolate knows of keys. */
export interface HeadStarts {
  /** Whether a request that costs `micros` at most need not wait for its reservation. */
  allows(key: string, micros: number, nowMs: number): boolean;
  /** A reservation was answered; `unknown` when it failed. */
  saw(key: string, opened: OpenedCall | 'unknown', nowMs: number): void;
}

/** Nobody is known yet. */
export function createHeadStarts(): HeadStarts {
  const standings = new Map<string, { readonly available: number; readonly untilMs: number }>();
  return {
    allows(key, micros, nowMs) {
      const standing = standings.get(key);
      return standing !== undefined && nowMs < standing.untilMs && standing.available >= PLENTY * micros;
    },
    saw(key, opened, nowMs) {
      standings.delete(key);
      if (opened === 'unknown' || opened.kind !== 'opened' || (opened.rate?.remaining ?? PLENTY) < PLENTY) return;
      for (const oldest of standings.keys()) {
        if (standings.size < KEYS) break;
        standings.delete(oldest);
      }
      standings.set(key, { available: opened.available, untilMs: nowMs + RECENT_MS });
    },
  };
}
