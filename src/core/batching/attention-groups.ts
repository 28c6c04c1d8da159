// Rows of a run are padded for attention in two groups, short ones and long ones: each to the longest of its own.

/** A padded place is moved about as long as so many scores take. */
const PLACE_SCORES = 25;

/** Rows of a run in groups. */
export interface AttentionGroups {
  /** Indices of the rows of one or two groups, shorter rows first; none is empty. */
  readonly groups: readonly (readonly number[])[];
  /** Scores of attention that are computed, one of `longest²` a row and group, with what moving the places costs, in scores. */
  readonly scores: number;
}

/**
 * The cheapest groups.
 * @param lengths tokens of each row, at least one
 * Cost: O(rows log rows)
 */
export function attentionGroups(lengths: readonly number[]): AttentionGroups {
  const order = [...lengths.keys()].sort((a, b) => lengths[a] - lengths[b] || a - b);
  const { cut, scores } = cheapestCut(order.map((i) => lengths[i]));
  return { groups: cut === 0 ? [order] : [order.slice(0, cut), order.slice(cut)], scores };
}

/** Where rows in the order of their lengths are best cut, and the scores then; 0 for one group. Cost: O(rows) */
export function cheapestCut(sorted: readonly number[]): { readonly cut: number; readonly scores: number } {
  const count = sorted.length;
  const last = sorted[count - 1];
  let best = { cut: 0, scores: paddedScores(count, last) };
  for (let cut = 1; cut < count; cut++) {
    const scores = paddedScores(cut, sorted[cut - 1]) + paddedScores(count - cut, last);
    if (scores < best.scores) best = { cut, scores };
  }
  return best;
}

/** Of rows padded to the longest of them, as `AttentionGroups` counts them. */
export function paddedScores(rows: number, longest: number): number {
  return rows * longest * (longest + PLACE_SCORES);
}
