// Callers without a key: they are who signs the payment that comes with the request.

import type { Scope } from '../../contract/tenant.ts';
import type { Access, Identify } from '../accounts/authenticate.ts';
import { chargePayment, type ChargePaymentDeps } from './charge-payment.ts';
import { readPayment } from './read-payment.ts';

/** What can be paid for one by one. */
const SOLD: ReadonlySet<Access> = new Set<Scope>(['predict', 'route']);

/**
 * Tells who signed a payment. Nothing is proven yet: charging it is what proves it, before any work is done for the caller.
 * A request that has an `authorization` header means its key, good or not.
 */
export function byPayment(deps: ChargePaymentDeps): Identify {
  return async (c, access) => {
    if (!SOLD.has(access) || (deps.keys && c.req.header('authorization') !== undefined)) return undefined;
    const sent = readPayment(c.req.raw.headers);
    const account = sent?.payer.account;
    return {
      tenant: account === undefined ? undefined : { account, key: account, scopes: ['predict', 'route'] },
      charge: chargePayment(deps, sent),
    };
  };
}
