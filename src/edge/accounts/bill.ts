// What predictions cost: before they are made at most, and after.

import type { PredictBatch, Prediction, PredictInput } from '../../contract/http.ts';
import type { Tenant } from '../../contract/tenant.ts';
import type { ReceiptNote } from '../../core/ledger/entry.ts';
import { priceBound, priceOf, type PriceList } from '../../core/ledger/price.ts';
import type { Bundles } from '../bundles.ts';
import type { Bill } from './charged.ts';
import { gatedExperts } from './gated-experts.ts';

/** The most that answers to the inputs can cost. */
export async function predictBound(
  bundles: Bundles,
  inputs: readonly PredictInput[],
  tenant: Tenant | undefined,
  prices: PriceList,
): Promise<number> {
  const gated = await gatedExperts(bundles, prices);
  const utf8 = new TextEncoder();
  return inputs.reduce((sum, { text, text_pair: pair, config, task, mix, top_k: topK }) => {
    const named =
      mix === undefined
        ? task === undefined
          ? undefined
          : [task]
        : Array.isArray(mix)
          ? mix.map(({ expert }) => expert)
          : Object.keys(mix);
    const bytes = utf8.encode(text).length + utf8.encode(pair ?? '').length;
    return sum + priceBound(prices, { configs: config === undefined ? tenant?.configs : [config], experts: named, topK, gated, bytes });
  }, 0);
}

/**
 * What answers cost; an input that failed costs nothing, and everything is free without prices.
 * @param receipts what origins signed, by the ids of answers; the context's variable
 */
export function predictBill(
  answers: readonly PredictBatch['predictions'][number][],
  prices: PriceList | undefined,
  receipts: ReadonlyMap<string, ReceiptNote>,
): Bill {
  const good = answers.filter((answer): answer is Prediction => !('error' in answer));
  const priced = good.map(({ config, mix, usage }) => ({ config, experts: mix.map(({ expert }) => expert), tokens: usage.tokens }));
  const notes = good.flatMap(({ id }) => receipts.get(id) ?? []);
  const unsigned = good.filter(({ id }) => !receipts.has(id));
  return {
    micros: priced.reduce((sum, answer) => sum + (prices === undefined ? 0 : priceOf(prices, answer)), 0),
    usage: {
      answers: good.length,
      tokens: priced.reduce((sum, { tokens }) => sum + tokens, 0),
      configs: [...new Set(priced.map(({ config }) => config))].sort(),
      experts: [...new Set(priced.flatMap(({ experts }) => experts))].sort(),
      ...(notes.length > 0 && { receipts: notes }),
      ...(notes.length > 0 &&
        unsigned.length > 0 && {
          unsigned: { answers: unsigned.length, tokens: unsigned.reduce((sum, { usage }) => sum + usage.tokens, 0) },
        }),
    },
  };
}
