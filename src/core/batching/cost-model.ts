// What a run of rows on the factored graph costs, learnt while serving: a start, a price a token, a price a token and rank column (another one in tiles), a price a
// rank column for bringing it, and a price a score of attention. Least squares over the runs that were seen, older ones weighing less.

import { factorCholesky, solveRows } from '../linalg/cholesky.ts';

/** Size of a run. */
export interface RunSize {
  /** Of all rows: padding is not computed. */
  readonly tokens: number;
  /** Scores of attention, as `attentionGroups` counts them. */
  readonly scores: number;
  /** Ranks of the experts that each token runs through, added up; 0 on plain weights. */
  readonly rank: number;
  /** Whether each row is a tile with its own experts. Tokens are those of rows filled up to the longest, then. */
  readonly tiled?: boolean;
  /** Rank columns that are brought, `rank` where it is left out: in tiles, those of all rows. */
  readonly brought?: number;
}

/** Predicts runs, and learns from them. */
export interface CostModel {
  /** Milliseconds; positive. */
  predict(size: RunSize): number;
  /** Takes what a run cost. */
  observe(size: RunSize, ms: number): void;
}

/** What is believed before the first run, in milliseconds. */
export interface PriorCost {
  readonly start: number;
  readonly token: number;
  /** A token's price of one more rank column. */
  readonly tokenRank: number;
  /** The same where rows are tiles, whose products are smaller. */
  readonly tiledTokenRank: number;
  /** Bringing a column. */
  readonly rank: number;
  /** A score of attention, one of `longest²` a row. */
  readonly score: number;
}

/** Prices of a run. */
const SIZE = 6;
/** How many runs the memory reaches back, roughly. */
const MEMORY_RUNS = 1000;
/** As how many runs the prior counts: enough to keep what the runs do not tell, or tell through noise, near where it was. */
const PRIOR_RUNS = 60;

/**
 * A model that believes `prior` until runs say otherwise.
 * Cost: O(1) a prediction, one 6 × 6 system an observation
 */
export function createCostModel(prior: PriorCost): CostModel {
  const before = [prior.start, prior.token, prior.tokenRank, prior.tiledTokenRank, prior.rank, prior.score];
  // Features of unlike sizes; in units of their prior cost, so that the system is well conditioned and the prior is one in each.
  const featuresOf = ({ tokens, scores, rank, tiled = false, brought = rank }: RunSize): readonly number[] => {
    const thin = tokens * rank;
    return [1, tokens, tiled ? 0 : thin, tiled ? thin : 0, brought, scores].map((value, i) => value * before[i]);
  };
  const gram = new Float64Array(SIZE * SIZE);
  const target = new Float64Array(SIZE);
  // The prior tells how prices compare; how fast the machine is, runs tell at once.
  const scale = { ratios: 1, runs: 1 };
  let factors: ArrayLike<number> = before.map(() => 1);
  const decay = 1 - 1 / MEMORY_RUNS;

  return {
    predict: (size) => featuresOf(size).reduce((sum, feature, i) => sum + feature * factors[i], 0),
    observe(size, ms) {
      const features = featuresOf(size);
      const predicted = features.reduce((sum, value) => sum + value, 0);
      // Each run counts by its relative error: long runs are not worth more than short ones.
      const weight = 1 / predicted ** 2;
      scale.ratios = decay * scale.ratios + ms / predicted;
      scale.runs = decay * scale.runs + 1;
      for (let i = 0; i < SIZE; i++) {
        for (let j = 0; j < SIZE; j++) gram[i * SIZE + j] = decay * gram[i * SIZE + j] + weight * features[i] * features[j];
        target[i] = decay * target[i] + weight * features[i] * ms;
      }
      const withPrior = { rows: SIZE, cols: SIZE, data: gram.map((value, at) => (at % (SIZE + 1) === 0 ? value + PRIOR_WEIGHT : value)) };
      const solution = { rows: 1, cols: SIZE, data: target.map((value) => value + (PRIOR_WEIGHT * scale.ratios) / scale.runs) };
      factorCholesky(withPrior);
      solveRows(withPrior, solution);
      factors = solution.data.map((factor) => Math.max(factor, SMALLEST));
    },
  };
}

/** Each coefficient has its share of a run's relative weight. */
const PRIOR_WEIGHT = PRIOR_RUNS / SIZE ** 2;
/** No part of a run is for nothing. */
const SMALLEST = 0.01;
