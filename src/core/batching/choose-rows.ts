// Which waiting rows run together. A run is as long as its longest row and as wide as the ranks of all its experts, for every row of it; so rows that are
// alike are worth gathering, and rows that are not are better left to the next run.

import type { CostModel } from './cost-model.ts';

/** A waiting row, as its cost sees it. */
export interface WaitingRow {
  readonly tokens: number;
  /** Indices of the experts that it mixes. */
  readonly experts: readonly number[];
}

/** What choosing needs. */
export interface ChooseOptions {
  /** Most rows of a run. */
  readonly maxRows: number;
  /** Ranks of an expert's modules: the mean over what they change. */
  readonly rankOf: (expert: number) => number;
  readonly cost: Pick<CostModel, 'predict'>;
}

/** How far down the queue is looked for company: choosing must stay far cheaper than running. */
const WINDOW = 256;

/**
 * Rows of the next run, as indices in ascending order. The row that waited longest is always among them, so that none waits for ever; then, one
 * after another, the row is added that makes most of the run's time useful, as long as there is one that does not make less of it.
 * @param waiting at least one, in the order of arrival
 * Cost: O(maxRows · window · experts of a row)
 */
export function chooseRows(waiting: readonly WaitingRow[], { maxRows, rankOf, cost }: ChooseOptions): readonly number[] {
  const window = Math.min(waiting.length, Math.max(WINDOW, maxRows));
  const chosen = [0];
  const rest = new Set(Array.from({ length: window - 1 }, (_, i) => i + 1));
  const experts = new Set(waiting[0].experts);
  let longest = waiting[0].tokens;
  let useful = waiting[0].tokens;
  let rank = waiting[0].experts.reduce((sum, expert) => sum + rankOf(expert), 0);
  let efficiency = useful / cost.predict({ tokens: longest, rank });

  /** Ranks that a row's experts add to those of the run. */
  const added = (own: readonly number[]): number => own.reduce((sum, expert) => sum + (experts.has(expert) ? 0 : rankOf(expert)), 0);

  while (chosen.length < maxRows && rest.size > 0) {
    let best: { readonly index: number; readonly efficiency: number } | undefined;
    const seen = new Set<string>();
    for (const index of rest) {
      const { tokens, experts: own } = waiting[index];
      // Rows of one length and the same experts are worth the same: the first of them in the queue stands for all.
      const kind = `${tokens} ${own.join(' ')}`;
      if (seen.has(kind)) continue;
      seen.add(kind);
      const predicted = cost.predict({ tokens: (chosen.length + 1) * Math.max(longest, tokens), rank: rank + added(own) });
      const reached = (useful + tokens) / predicted;
      if (best === undefined || reached > best.efficiency) best = { index, efficiency: reached };
    }
    if (best === undefined || best.efficiency < efficiency) break;
    const { tokens, experts: own } = waiting[best.index];
    rank += added(own);
    for (const expert of own) experts.add(expert);
    longest = Math.max(longest, tokens);
    useful += tokens;
    efficiency = best.efficiency;
    chosen.push(best.index);
    rest.delete(best.index);
  }
  return chosen.sort((a, b) => a - b);
}
