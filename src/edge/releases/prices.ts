// Prices that are published with a release, in the place of the deployment's.

import type { PriceList } from '../../contract/price-list.ts';
import type { Release } from '../../contract/release.ts';
import { TwinrouteError } from '../../core/errors.ts';

/** The same, with prices that are looked up whenever they are asked for: a request that needs them twice reads them once. */
export function withReleasedPrices<T extends { readonly prices: PriceList }>(bound: T, released: () => PriceList | undefined): T {
  return {
    ...bound,
    get prices() {
      return released() ?? bound.prices;
    },
  };
}

/**
 * Does nothing when a release's prices are in the deployment's currency, in which balances are kept.
 * @param currency undefined where nothing is charged
 * @throws {TwinrouteError} `config`
 */
export function checkCurrency({ prices }: Release, currency: string | undefined): void {
  if (prices === undefined || currency === undefined || prices.currency === currency) return;
  throw new TwinrouteError('config', `prices: expected them in ${currency}, the currency of balances, got ${prices.currency}`, {
    param: 'prices',
  });
}
