// Calls to a payer's object with a limit on each. One that is late may have taken effect: its caller is told to repeat the request.

import type { X402 } from '../../contract/x402.ts';
import { within } from '../accounts/within.ts';
import type { PayerCalls } from './port.ts';

/** Longest wait for the object itself, in milliseconds. */
const PAYER_MS = 5_000;

/**
 * The same calls, each by a fresh stub. Late or failed ones throw `unavailable`; some wait for the facilitator.
 */
export function patientCalls(calls: () => PayerCalls, { verify_ms: verifyMs, settle_ms: settleMs }: X402): PayerCalls {
  const wait = <T>(work: Promise<T>, limitMs: number): Promise<T> => within(work, limitMs, 'payer');
  return {
    find: (proof) => wait(calls().find(proof), PAYER_MS + settleMs),
    reserve: (reservation) => wait(calls().reserve(reservation), PAYER_MS + verifyMs + settleMs),
    settle: (nonce, served) => wait(calls().settle(nonce, served), PAYER_MS + settleMs),
    release: (nonce, turn) => wait(calls().release(nonce, turn), PAYER_MS),
  };
}
