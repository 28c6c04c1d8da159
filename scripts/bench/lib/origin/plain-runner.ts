// A plain model behind a batcher: rows padded to the longest; rows of like length run together, as many as make most of a run's time useful by what runs cost.

import { paddedScores } from '../../../../src/core/batching/attention-groups.ts';
import { createCostModel, type RunSize } from '../../../../src/core/batching/cost-model.ts';
import { nearestRows } from '../../../../src/core/batching/nearest-rows.ts';
import type { TokenRow } from '../../../../src/model/encoder-feeds.ts';
import type { Runner } from './closed-loop.ts';

/** Milliseconds of a core of a server; what a run costs is learnt from its times. */
const PRIOR = { start: 1.5, token: 0.2, tokenRank: 0.001, tiledTokenRank: 0.002, rank: 0.01, score: 0.0003 };

/**
 * @param run serves a batch on an instance
 * @param instances that serve side by side
 */
export function plainRunner<R extends TokenRow>(run: (rows: readonly R[], instance: number) => Promise<unknown>, instances = 1): Runner<R> {
  const cost = createCostModel(PRIOR);
  return {
    instances,
    async run(rows, instance) {
      const startMs = performance.now();
      await run(rows, instance);
      cost.observe(paddedRun(rows.length, Math.max(...rows.map(({ ids }) => ids.length))), performance.now() - startMs);
    },
    choose: (waiting, maxRows) =>
      nearestRows(
        waiting.map(({ ids }) => ids.length),
        [...waiting.keys()],
        maxRows,
        ({ lengths }) => cost.predict(paddedRun(lengths.length, lengths[lengths.length - 1])),
      ).rows.toSorted((a, b) => a - b),
  };
}

/** A run on a padded graph: each row costs as much as the longest. */
function paddedRun(rows: number, longest: number): RunSize {
  return { tokens: rows * longest, scores: paddedScores(rows, longest), rank: 0 };
}
