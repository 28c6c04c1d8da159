// A plain model behind a batcher: rows padded to the longest; rows of like length run together, as many as make most of a run's time useful by what runs cost.

import { createCostModel, type CostModel, type RunSize } from '../../../../src/core/batching/cost-model.ts';
import type { TokenRow } from '../../../../src/model/encoder-feeds.ts';
import type { Runner } from './closed-loop.ts';

/** Milliseconds of a core of a server; what a run costs is learnt from its times. */
const PRIOR = { start: 1.5, token: 0.2, tokenRank: 0.001, tiledTokenRank: 0.002, rank: 0.01, score: 0.0003 };

/** @param run serves a batch */
export function plainRunner<R extends TokenRow>(run: (rows: readonly R[]) => Promise<unknown>): Runner<R> {
  const cost = createCostModel(PRIOR);
  return {
    async run(rows) {
      const startMs = performance.now();
      await run(rows);
      cost.observe(paddedRun(rows.length, Math.max(...rows.map(({ ids }) => ids.length))), performance.now() - startMs);
    },
    choose: (waiting, maxRows) =>
      likeLengths(
        waiting.map(({ ids }) => ids.length),
        maxRows,
        cost,
      ),
  };
}

/** A run on a padded graph: each row costs as much as the longest. */
function paddedRun(rows: number, longest: number): RunSize {
  return { tokens: rows * longest, scores: rows * longest * (longest + 25), rank: 0 };
}

/** The first row and those nearest to it in length, as indices in ascending order. */
function likeLengths(lengths: readonly number[], maxRows: number, cost: CostModel): readonly number[] {
  const distance = (i: number): number => Math.abs(lengths[i] - lengths[0]);
  const nearest = [...lengths.keys()].sort((a, b) => distance(a) - distance(b) || a - b).slice(0, maxRows);
  let best = { count: 1, efficiency: 0 };
  let tokens = 0;
  let longest = 0;
  for (const [at, i] of nearest.entries()) {
    tokens += lengths[i];
    longest = Math.max(longest, lengths[i]);
    const efficiency = tokens / cost.predict(paddedRun(at + 1, longest));
    if (efficiency >= best.efficiency) best = { count: at + 1, efficiency };
  }
  return nearest.slice(0, best.count).sort((a, b) => a - b);
}
