// A plain model behind a batcher: rows padded to the longest, chosen by what runs cost, as the origin chooses its own.

import { chooseRows } from '../../../../src/core/batching/choose-rows.ts';
import { createCostModel } from '../../../../src/core/batching/cost-model.ts';
import type { TokenRow } from '../../../../src/model/encoder-feeds.ts';
import type { Runner } from './closed-loop.ts';

/** Milliseconds of a core of a server; what a run costs is learnt from its times. */
const PRIOR = { start: 1.5, token: 0.2, tokenRank: 0.001, rank: 0.01 };

/** @param run serves a batch */
export function plainRunner<R extends TokenRow>(run: (rows: readonly R[]) => Promise<unknown>): Runner<R> {
  const cost = createCostModel(PRIOR);
  return {
    async run(rows) {
      const startMs = performance.now();
      await run(rows);
      cost.observe({ tokens: rows.length * Math.max(...rows.map(({ ids }) => ids.length)), rank: 0 }, performance.now() - startMs);
    },
    choose: (waiting, maxRows) =>
      chooseRows(
        waiting.map(({ ids }) => ({ tokens: ids.length, experts: [] })),
        { maxRows, rankOf: () => 0, cost },
      ),
  };
}
