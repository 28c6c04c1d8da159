// Which waiting rows run together. A run is as wide as the ranks of all its experts, for every row of it, and attention as long as its longest row; what it
// costs to start is shared by all. So a run is made of a set of experts and of the rows that want no others, and the set grows as long as that pays. Where every
// row wants another expert, rows of like length are run as tiles instead.

import { cheapestCut } from './attention-groups.ts';
import type { CostModel } from './cost-model.ts';
import { nearestRows, type Candidate } from './nearest-rows.ts';
import { ranksOf, tiledSize, type RankOf, type RunRow } from './run-shapes.ts';

/** What choosing needs. */
export interface ChooseOptions {
  /** Most rows of a run. */
  readonly maxRows: number;
  readonly rankOf: RankOf;
  readonly cost: Pick<CostModel, 'predict'>;
  /** Whether rows can be run as tiles. */
  readonly tiles: boolean;
}

/** How far down the queue is looked for company: choosing must stay far cheaper than running. */
const WINDOW = 256;
/** Ranks that tiles of one run bring at most: more would hardly share a start any better, and their copies are memory that stays taken. */
const MAX_TILE_RANKS = 256;
/** A larger set of experts has to pay within so many steps of a smaller one that did. */
const PATIENCE = 3;

/**
 * Rows of the next run, as indices in ascending order: those that make most of its time useful, of the sets of experts that are tried. The row that
 * waited longest is always among them, so that none waits for ever. From its own experts on, a set takes in what lets in the most tokens a rank.
 * @param waiting at least one, in the order of arrival
 * Cost: O(sets · window · (experts of a row + log window) + maxRows²); there are at most as many sets as `maxRows`
 */
export function chooseRows(waiting: readonly RunRow[], { maxRows, rankOf, cost, tiles }: ChooseOptions): readonly number[] {
  const window = waiting.slice(0, Math.max(WINDOW, maxRows));
  const lengths = window.map(({ tokens }) => tokens);
  const experts = new Set(window[0].experts);
  let best: Candidate | undefined;
  let since = 0;
  for (let step = 0; step < maxRows; step++) {
    const fitting: number[] = [];
    const outside: number[] = [];
    for (const [i, row] of window.entries()) (row.experts.every((expert) => experts.has(expert)) ? fitting : outside).push(i);
    const rank = ranksOf(experts, rankOf);
    const candidate = nearestRows(lengths, fitting, maxRows, (nearest) =>
      cost.predict({ tokens: nearest.tokens, scores: cheapestCut(nearest.lengths).scores, rank }),
    );
    since = best === undefined || candidate.efficiency > best.efficiency ? 0 : since + 1;
    if (since === 0) best = candidate;
    if (since === PATIENCE || fitting.length >= maxRows || outside.length === 0) break;
    for (const expert of nextExperts(window, outside, experts, rankOf)) experts.add(expert);
  }
  if (tiles) {
    const tiled = nearestRows(lengths, [...window.keys()], maxRows, ({ rows }) => {
      const size = tiledSize(
        rows.map((i) => window[i]),
        rankOf,
      );
      return size.rank * rows.length > MAX_TILE_RANKS ? undefined : cost.predict(size);
    });
    if (best === undefined || tiled.efficiency > best.efficiency) best = tiled;
  }
  return [...(best?.rows ?? [0])].sort((a, b) => a - b);
}

/** What the set lacks for the rows that would bring it most tokens for each rank more. */
function nextExperts(
  window: readonly RunRow[],
  outside: readonly number[],
  experts: ReadonlySet<number>,
  rankOf: RankOf,
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
    const worth = tokens / Math.max(ranksOf(missing, rankOf), Number.MIN_VALUE);
    if (worth <= most) continue;
    most = worth;
    best = missing;
  }
  return best;
}
