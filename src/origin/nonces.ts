// Nonces that were seen, each remembered for as long as its signature is taken.

import { TwinrouteError } from '../core/errors.ts';

/**
 * A memory of nonces.
 *
 * Two generations take turns: a nonce lives for one to two periods, and forgetting is one assignment.
 * @param limit nonces of one period; beyond it requests are refused, as a forgotten nonce could be used again
 * @returns notes a nonce; false when it is known already. It throws `overloaded` when the memory is full
 */
export function createNonces(periodMs: number, limit: number, now: () => number): (nonce: string) => boolean {
  let young = new Set<string>();
  let old = new Set<string>();
  let sinceMs = now();
  return (nonce) => {
    const ageMs = now() - sinceMs;
    if (ageMs >= periodMs) {
      old = ageMs >= 2 * periodMs ? new Set() : young;
      young = new Set();
      sinceMs = now();
    }
    if (young.has(nonce) || old.has(nonce)) return false;
    if (young.size >= limit)
      throw new TwinrouteError('overloaded', `origin: expected at most ${limit} signed requests in ${periodMs / 1000} s, got more`, {
        retryAfterSeconds: 1,
      });
    young.add(nonce);
    return true;
  };
}
