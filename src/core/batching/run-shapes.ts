// The two shapes that a run of factored rows can have, by what they cost. Together: all rows run through the experts of all, so that they had better be few.
// In tiles: each row through its own alone, filled up to the longest, so that rows had better be of like length.

import { attentionGroups } from './attention-groups.ts';
import type { CostModel, RunSize } from './cost-model.ts';

/** A row, as its cost sees it. */
export interface RunRow {
  readonly tokens: number;
  /** Indices of the experts that it mixes. */
  readonly experts: readonly number[];
}

/** Ranks of an expert's modules: the mean over what they change. */
export type RankOf = (expert: number) => number;

/** All rows through the experts of all. */
export function togetherSize(rows: readonly RunRow[], rankOf: RankOf): RunSize {
  return {
    tokens: rows.reduce((sum, { tokens }) => sum + tokens, 0),
    scores: scoresOf(rows),
    rank: ranksOf(new Set(rows.flatMap(({ experts }) => experts)), rankOf),
  };
}

/** Each row a tile. */
export function tiledSize(rows: readonly RunRow[], rankOf: RankOf): RunSize {
  const longest = longestOf(rows);
  const ranks = rows.map(({ experts }) => ranksOf(experts, rankOf));
  return {
    tokens: rows.length * longest,
    scores: scoresOf(rows),
    rank: Math.max(...ranks),
    tiled: true,
    brought: ranks.reduce((sum, rank) => sum + rank, 0),
  };
}

/** The cheaper shape of a run. @param tiles whether tiles are possible */
export function cheaperSize(rows: readonly RunRow[], rankOf: RankOf, cost: Pick<CostModel, 'predict'>, tiles: boolean): RunSize {
  const together = togetherSize(rows, rankOf);
  if (!tiles || rows.length === 1) return together;
  const tiled = tiledSize(rows, rankOf);
  return cost.predict(tiled) < cost.predict(together) ? tiled : together;
}

/** Ranks of a set of experts added up. */
export function ranksOf(experts: Iterable<number>, rankOf: RankOf): number {
  let sum = 0;
  for (const expert of experts) sum += rankOf(expert);
  return sum;
}

function scoresOf(rows: readonly RunRow[]): number {
  return attentionGroups(rows.map(({ tokens }) => tokens)).scores;
}

function longestOf(rows: readonly RunRow[]): number {
  return Math.max(...rows.map(({ tokens }) => tokens));
}
