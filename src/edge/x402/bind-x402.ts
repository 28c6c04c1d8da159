// Payment by request from what the deployment binds.

import { parseJsonWith } from '../../contract/parse.ts';
import { PriceList } from '../../contract/price-list.ts';
import { X402 } from '../../contract/x402.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { PaymentTimes } from '../../core/payment/payment.ts';
import { outboundUrl } from '../../formats/outbound-url.ts';
import { reachOf } from '../endpoints.ts';
import type { EdgeEnv } from '../env.ts';
import { createFacilitator, type Facilitator } from './facilitator.ts';
import type { Payments } from './port.ts';

/** A facilitator with the patience that a deployment has. */
export interface BoundFacilitator {
  readonly config: X402;
  readonly facilitator: Facilitator;
  readonly times: Omit<PaymentTimes, 'leaseMs'>;
}

/**
 * The facilitator; undefined where requests are not paid for one by one.
 * @throws {TwinrouteError} `unavailable` for a variable that does not fit, or a facilitator that may not be reached
 */
export function bindFacilitator(env: EdgeEnv): BoundFacilitator | undefined {
  const { X402: text, X402_TOKEN: token } = env;
  if (text === undefined) return undefined;
  const config = parseJsonWith(X402, text, 'X402', 'unavailable');
  outboundUrl(config.facilitator, reachOf(env), 'X402: facilitator', 'unavailable');
  // workerd's own fetch wants to be called as a function, not as a method of what holds it.
  const facilitator = createFacilitator(config, token, (input, init) => fetch(input, init));
  return { config, facilitator, times: { settleMs: config.settle_ms, retryMs: config.retry_ms } };
}

/**
 * Payments by request; undefined without the variable X402.
 * @throws {TwinrouteError} `unavailable` for one that does not fit, a missing binding, or no prices: never free by mistake
 */
export function bindPayments(env: EdgeEnv): Payments | undefined {
  const bound = bindFacilitator(env);
  if (bound === undefined) return undefined;
  const { PAYERS, PRICES } = env;
  if (PAYERS === undefined || PRICES === undefined)
    throw new TwinrouteError('unavailable', 'env: expected PAYERS and PRICES beside X402, got less');
  const prices = parseJsonWith(PriceList, PRICES, 'PRICES', 'unavailable');
  return { config: bound.config, prices, calls: (account) => PAYERS.getByName(account) };
}
