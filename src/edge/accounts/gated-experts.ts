// Configs that mix all of their experts whatever is asked: what they cost cannot be told from the question.

import type { PriceList } from '../../core/ledger/price.ts';
import type { Bundles } from '../bundles.ts';

/**
 * The experts of each config with gates; none are looked for where no expert has a price.
 * Cost: a look at each served config, which is loaded but once
 */
export async function gatedExperts(bundles: Bundles, prices: PriceList): Promise<ReadonlyMap<string, readonly string[]>> {
  const gated = new Map<string, readonly string[]>();
  if (Object.keys(prices.experts).length === 0) return gated;
  for (const { config } of (await bundles.index()).configs) {
    // One that cannot be loaded answers nothing either.
    const loaded = await bundles.load(config).catch(() => undefined);
    if (loaded?.bundle.gated === true)
      gated.set(
        config,
        loaded.bundle.experts.map(({ name }) => name),
      );
  }
  return gated;
}
