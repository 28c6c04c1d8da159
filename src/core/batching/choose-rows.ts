// Which waiting rows run together. A run is as wide as the ranks of all its experts, for every row of it, and attention as long as its longest row; what it
// costs to start is shared by all. So a run is made of a set of experts and of the rows that want no others, and the set grows as long as that pays.

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

/** Rows that could make a run, and how much of its time is useful: tokens a millisecond. */
interface Candidate {
  readonly rows: readonly number[];
  readonly efficiency: number;
}

/** How far down the queue is looked for company: choosing must stay far cheaper than running. */
const WINDOW = 256;
/** A larger set of experts has to pay within so many steps of a smaller one that did. */
const PATIENCE = 3;

/**
 * Rows of the next run, as indices in ascending order: those that make most of its time useful, of the sets of experts that are tried. The row that
 * waited longest is always among them, so that none waits for ever. From its own experts on, a set takes in what lets in the most tokens a rank.
 * @param waiting at least one, in the order of arrival
 * Cost: O(sets · window · (experts of a row + log window)); there are at most as many sets as `maxRows`
 */
export function chooseRows(waiting: readonly WaitingRow[], { maxRows, rankOf, cost }: ChooseOptions): readonly number[] {
  const window = waiting.slice(0, Math.max(WINDOW, maxRows));
  const rankOfSet = (set: Iterable<number>): number => [...set].reduce((sum, expert) => sum + rankOf(expert), 0);
  const experts = new Set(window[0].experts);
  let best: Candidate | undefined;
  let since = 0;
  for (let step = 0; step < maxRows; step++) {
    const fitting: number[] = [];
    const outside: number[] = [];
    for (const [i, row] of window.entries()) (row.experts.every((expert) => experts.has(expert)) ? fitting : outside).push(i);
    const candidate = mostUseful(window, fitting, maxRows, rankOfSet(experts), cost);
    since = best === undefined || candidate.efficiency > best.efficiency ? 0 : since + 1;
    if (since === 0) best = candidate;
    if (since === PATIENCE || fitting.length >= maxRows || outside.length === 0) break;
    for (const expert of nextExperts(window, outside, experts, rankOfSet)) experts.add(expert);
  }
  return [...(best?.rows ?? [0])].sort((a, b) => a - b);
}

/** Of the rows that fit a set of experts: the first of all, and with it those up to the length that makes most of a run's time useful. */
function mostUseful(
  window: readonly WaitingRow[],
  fitting: readonly number[],
  maxRows: number,
  rank: number,
  cost: ChooseOptions['cost'],
): Candidate {
  const [first, ...rest] = fitting;
  // Of rows of one length the sort keeps the order of arrival.
  const byLength = rest.sort((a, b) => window[a].tokens - window[b].tokens);
  const rows = [first];
  let { tokens } = window[first];
  let best: { readonly count: number; readonly efficiency: number } | undefined;
  for (let count = 1; count <= Math.min(maxRows, fitting.length); count++) {
    const last = byLength[count - 2];
    if (last !== undefined) {
      rows.push(last);
      tokens += window[last].tokens;
    }
    const longest = Math.max(window[first].tokens, window[last ?? first].tokens);
    const efficiency = tokens / cost.predict({ tokens, rows: count, longest, rank });
    if (best === undefined || efficiency >= best.efficiency) best = { count, efficiency };
  }
  return { rows: rows.slice(0, best?.count), efficiency: best?.efficiency ?? 0 };
}

/** What the set lacks for the rows that would bring it most tokens for each rank more. */
function nextExperts(
  window: readonly WaitingRow[],
  outside: readonly number[],
  experts: ReadonlySet<number>,
  rankOfSet: (set: Iterable<number>) => number,
): readonly number[] {
  const gains = new Map<string, { readonly missing: readonly number[]; tokens: number }>();
  for (const i of outside) {
    const missing = window[i].experts.filter((expert) => !experts.has(expert));
    const key = missing.join(' ');
    const gain = gains.get(key) ?? { missing, tokens: 0 };
    gain.tokens += window[i].tokens;
    gains.set(key, gain);
  }
  let best: readonly number[] = [];
  let most = 0;
  for (const { missing, tokens } of gains.values()) {
    // A set without ranks, were there one, would be free.
    const worth = tokens / Math.max(rankOfSet(missing), Number.MIN_VALUE);
    if (worth <= most) continue;
    most = worth;
    best = missing;
  }
  return best;
}
