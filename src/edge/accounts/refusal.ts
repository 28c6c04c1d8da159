// Why a request was not taken, as an error.

import { TwinrouteError } from '../../core/errors.ts';
import type { LimitRefusal } from '../../core/ledger/limits.ts';
import { IDEMPOTENCY_HEADER } from './headers.ts';

/** The error that the caller gets. */
export function refusalOf(refusal: LimitRefusal | { readonly code: 'conflict' }, currency: string): TwinrouteError {
  if (refusal.code === 'conflict')
    return new TwinrouteError('conflict', `${IDEMPOTENCY_HEADER}: expected a new one, got one that was used for another request`, {
      param: IDEMPOTENCY_HEADER,
    });
  if (refusal.code === 'rate_limited')
    return new TwinrouteError('rate_limited', 'key: expected requests left in this minute, got none', {
      retryAfterSeconds: Math.ceil(refusal.retryAfterMs / 1000),
    });
  const { limit, needed, available } = refusal;
  return new TwinrouteError('payment_required', `${limit}: expected ${needed} micro-units of ${currency}, got ${available}`, {
    details: { limit, needed_micros: needed, available_micros: available, currency },
  });
}

/** The one refusal of a key. */
export function unauthorized(): TwinrouteError {
  return new TwinrouteError('unauthorized', 'authorization: expected "Bearer " and a valid key, got something else', {
    param: 'authorization',
  });
}
