// What a caller gets for where its payment stands.

import type { Context } from 'hono';
import { TwinrouteError } from '../../core/errors.ts';
import type { EdgeTypes } from '../types.ts';
import { setPaymentResponse } from './headers.ts';
import type { PaymentStanding } from './port.ts';
import { PAYMENT_HEADER } from './read-payment.ts';

/** Sets the header that asks for a payment; the error to throw with it. */
export type Ask = (reason: string) => TwinrouteError;

/**
 * The answer's JSON text, once it is paid; sets the headers that tell so.
 * @throws {TwinrouteError} `conflict` for a payment that is in use, `payment_required` for one that was refused, `unavailable` while nobody knows
 */
export function paidAnswer(
  c: Context<EdgeTypes>,
  standing: PaymentStanding,
  { currency, ask, replayed }: { readonly currency: string; readonly ask: Ask; readonly replayed: boolean },
): string {
  switch (standing.kind) {
    case 'settled': {
      setPaymentResponse(c, standing.receipt);
      c.header('x-usage-micros', String(standing.micros));
      c.header('x-usage-tokens', String(standing.tokens));
      c.header('x-usage-currency', currency);
      if (standing.answer === undefined) throw inUse('it was answered and paid, and its answer is no longer kept', 'settled');
      if (replayed) c.header('idempotent-replayed', 'true');
      return standing.answer;
    }
    case 'refused':
      if (standing.receipt !== undefined) setPaymentResponse(c, standing.receipt);
      throw ask(standing.reason);
    case 'failed':
      throw new TwinrouteError(standing.code, standing.message, standing.code === 'unavailable' ? { retryAfterSeconds: 2 } : {});
    case 'conflict':
      throw inUse('it, or its id, was used for another request', 'other_request');
    case 'reserved':
      throw inUse('the same request is under way', 'reserved', 1);
    case 'unknown':
      throw new TwinrouteError(
        'unavailable',
        'payment: expected the facilitator to say whether it was made, got no clear answer; repeat the request with the same payment',
        { details: { state: 'unknown' }, retryAfterSeconds: Math.max(1, Math.ceil(standing.retryMs / 1000)) },
      );
    case 'new':
      throw new TwinrouteError('unavailable', 'payment: expected to hold it still, got an answer too late; nothing was paid', {
        retryAfterSeconds: 1,
      });
  }
}

function inUse(why: string, state: string, retryAfterSeconds?: number): TwinrouteError {
  return new TwinrouteError('conflict', `${PAYMENT_HEADER}: expected a payment that is free, got one in use: ${why}`, {
    param: PAYMENT_HEADER,
    details: { state },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
