// The variable PRICES: what requests cost, in whole micro-units (millionths) of one currency.

import * as z from 'zod/mini';
import type { PriceList as CorePriceList } from '../core/ledger/price.ts';
import { ConfigId, Name } from './names.ts';
import { PaymentTerms } from './x402.ts';

/** Highest single price: a thousand units. Sums over a batch of the longest inputs stay far below what money.ts allows. */
const Price = z.int().check(z.minimum(0), z.maximum(1e9));

const Rate = z.strictObject({ request: z._default(Price, 0), per_1000_tokens: z._default(Price, 0) });

/** The price list. Absent parts are free. */
export const PriceList = z.strictObject({
  currency: z._default(z.string().check(z.regex(/^[A-Za-z][A-Za-z0-9-]{1,15}$/)), 'USD'),
  /** Any answer of `/v1/predict`, for each input. */
  answer: z._default(Rate, { request: 0, per_1000_tokens: 0 }),
  /** An answer of `/v1/route`. */
  route: z._default(Price, 0),
  /** Instead of `answer`, by config. */
  configs: z._default(z.record(ConfigId, Rate), {}),
  /** On top, for every expert in the mix that was served. */
  experts: z._default(z.record(Name, Rate), {}),
  /** Tokens of one input that are charged at most. */
  max_tokens: z._default(z.int().check(z.minimum(1), z.maximum(1_000_000)), 512),
});
export type PriceList = z.infer<typeof PriceList> & CorePriceList;

/** Answer of `GET /v1/prices`. */
export const PricesAnswer = z.extend(PriceList, { x402: z.optional(PaymentTerms) });
export type PricesAnswer = z.infer<typeof PricesAnswer>;
