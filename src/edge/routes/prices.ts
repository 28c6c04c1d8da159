// GET /v1/prices: what everybody may know of what requests cost, and how they can be paid for.

import type { PricesAnswer } from '../../contract/price-list.ts';
import type { Accounts } from '../accounts/port.ts';
import type { Route } from '../route.ts';
import type { Payments } from '../x402/port.ts';
import { paymentTerms } from '../x402/terms.ts';

/** What the route needs. */
export interface PricesDeps {
  readonly accounts: Pick<Accounts, 'prices'> | undefined;
  readonly payments: Pick<Payments, 'prices' | 'config'> | undefined;
}

/** The route; none where nothing has a price. */
export function pricesRoutes({ accounts, payments }: PricesDeps): readonly Route[] {
  const priced = accounts ?? payments;
  if (priced === undefined) return [];
  const terms = payments !== undefined && { x402: paymentTerms(payments.config) };
  return [
    {
      method: 'get',
      path: '/v1/prices',
      access: 'public',
      summary: 'Tells what requests cost, in micro-units, and whether they can be paid for one by one',
      answer: 'PricesAnswer',
      handler: (c) => c.json({ ...priced.prices, ...terms } satisfies PricesAnswer),
    },
  ];
}
