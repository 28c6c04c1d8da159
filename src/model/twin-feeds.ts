// What one run of an open graph is fed with beside its tokens: the factors of the run's experts, and each row's weights of them.
//
// Letters: B rows, N tokens of all rows, S experts of the run, m × n a matrix, R ranks of the run's experts added up.

import { createScratch, sharedFloats, type Scratch } from '../core/shared-floats.ts';
import { floatTensor, type FloatTensor, type Tensor } from '../core/tensor.ts';
import type { TokenRow } from './encoder-feeds.ts';
import type { ExpertFactors, ParameterFactors } from './expert-factors.ts';
import type { Opening, TableIndex } from './open-twin-graph.ts';

/** An expert of a run. */
export interface RunExpert {
  readonly expert: ExpertFactors;
  /** Its weight in each row's mix, `[B]`. */
  readonly weights: Float32Array;
}

/** Feeds by name. */
type Feeds = Record<string, FloatTensor>;

/** A run's expert with its factors of one parameter. */
interface Part {
  readonly factors: ParameterFactors;
  readonly weights: Float32Array;
}

/** Rows of a run, and who is mixed in them. */
export interface TwinRun {
  readonly rows: readonly TokenRow[];
  /** May be none: the rows are answered by the shared model. */
  readonly experts: readonly RunExpert[];
  /** Whether each row is a tile with its own experts; else all are one, with the experts of all. Tokens have to be even then. */
  readonly tiled: boolean;
}

/**
 * Feeds of every opening. A parameter that none of the run's experts changes gets one column of zeros.
 * @param scratch where factors are laid out: feeds hold until the next ones on it
 * Cost: a copy of the factors; in tiles, one for each row that mixes them
 */
export function twinFeeds(openings: readonly Opening[], run: TwinRun, scratch: Scratch = createScratch()): Record<string, Tensor> {
  const { rows, experts, tiled } = run;
  const feeds: Feeds = {};
  for (const opening of openings) {
    switch (opening.kind) {
      case 'matrix':
        feedMatrix(feeds, opening, run, scratch);
        break;
      case 'table':
        feedTable(feeds, opening, rows, experts);
        break;
      case 'vector':
        feedVector(feeds, opening, rows, experts);
    }
  }
  if (!openings.some(({ kind }) => kind === 'matrix')) return feeds;
  const tiles = BigInt64Array.of(BigInt(tiled ? rows.length : 1));
  const ones = openings.some((opening) => opening.kind === 'matrix' && opening.bias !== undefined)
    ? { ones: floatTensor([rows.length, 1, 1], new Float32Array(rows.length).fill(1)) }
    : {};
  return { ...feeds, ...ones, tiles: { dtype: 'int64', shape: [1], data: tiles } };
}

type FeedOf<K> = (
  feeds: Feeds,
  opening: Extract<Opening, { readonly kind: K }>,
  rows: readonly TokenRow[],
  experts: readonly RunExpert[],
) => void;

function feedMatrix(
  feeds: Feeds,
  { name, m, n, bias, per }: Extract<Opening, { readonly kind: 'matrix' }>,
  run: TwinRun,
  scratch: Scratch,
): void {
  const { rows, experts, tiled } = run;
  const tiles = tiled
    ? rows.map((_, b) =>
        partsOf(
          name,
          experts.filter(({ weights }) => weights[b] !== 0),
          m,
          n,
          rows.length,
        ),
      )
    : [partsOf(name, experts, m, n, rows.length)];
  const rank = Math.max(...tiles.map(rankOf));
  const ups = rank + (bias === undefined ? 0 : 1);
  const up = scratch(`${name}.up`, tiles.length * ups * m);
  const down = scratch(`${name}.down`, tiles.length * rank * n);
  const counts = per === 'row' ? rows.map(() => 1) : tokensOf(run);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const columns = scratch(`${name}.weights`, total * rank).fill(0);
  for (const [k, parts] of tiles.entries()) {
    let start = 0;
    for (const { factors, weights } of parts) {
      up.set(factors.u, (k * ups + start) * m);
      down.set(factors.v, (k * rank + start) * n);
      let token = tiled ? k * counts[k] : 0;
      for (let b = tiled ? k : 0; b < (tiled ? k + 1 : rows.length); b++)
        for (let end = token + counts[b]; token < end; token++)
          columns.fill(weights[b], token * rank + start, token * rank + start + factors.rank);
      start += factors.rank;
    }
    // Experts of lower rank than the tile's widest neighbour.
    up.fill(0, (k * ups + start) * m, (k * ups + rank) * m);
    down.fill(0, (k * rank + start) * n, (k + 1) * rank * n);
    if (bias !== undefined) up.set(bias, (k * ups + rank) * m);
  }
  feeds[`${name}.up`] = floatTensor([tiles.length, ups, m], up);
  feeds[`${name}.down`] = floatTensor([tiles.length, rank, n], down);
  feeds[`${name}.weights`] = floatTensor([tiles.length, total / tiles.length, rank], columns);
}

/** Of each row, filled up to the longest in tiles. */
function tokensOf({ rows, tiled }: TwinRun): readonly number[] {
  const counts = rows.map(({ ids }) => ids.length);
  return tiled ? counts.map(() => Math.max(...counts)) : counts;
}

const feedTable: FeedOf<'table'> = (feeds, { name, n, index }, rows, experts) => {
  const parts = partsOf(name, experts, 0, n, rows.length);
  const rank = rankOf(parts);
  const tokens = rows.reduce((sum, { ids }) => sum + ids.length, 0);
  const picked = new Float32Array(tokens * rank);
  let start = 0;
  for (const { factors, weights } of parts) {
    const { u, rank: own } = factors;
    let token = 0;
    for (const [b, row] of rows.entries()) {
      for (let t = 0; t < row.ids.length; t++, token++) {
        if (weights[b] === 0) continue;
        const from = INDEX[index](row, t) * own;
        const to = token * rank + start;
        for (let k = 0; k < own; k++) picked[to + k] = weights[b] * u[from + k];
      }
    }
    start += own;
  }
  feeds[`${name}.rows`] = floatTensor([1, tokens, rank], picked);
  feeds[`${name}.v`] = floatTensor([rank, n], joined(parts.map(({ factors }) => factors.v)));
};

const feedVector: FeedOf<'vector'> = (feeds, { name, m }, rows, experts) => {
  const found = experts.flatMap(({ expert, weights }) => {
    const delta = expert.deltas.get(name);
    return delta === undefined ? [] : [{ delta, weights }];
  });
  const parts = found.length > 0 ? found : [{ delta: new Float32Array(m), weights: new Float32Array(rows.length) }];
  const columns = new Float32Array(rows.length * parts.length);
  for (const [s, { weights }] of parts.entries()) {
    for (let b = 0; b < rows.length; b++) columns[b * parts.length + s] = weights[b];
  }
  feeds[`${name}.deltas`] = floatTensor([parts.length, m], joined(parts.map(({ delta }) => delta)));
  feeds[`${name}.weights`] = floatTensor([rows.length, 1, parts.length], columns);
};

const INDEX: Readonly<Record<TableIndex, (row: TokenRow, t: number) => number>> = {
  input_ids: ({ ids }, t) => ids[t],
  token_type_ids: ({ types }, t) => types[t],
  positions: (_, t) => t,
};

/** Factors of a parameter, those of a zero of rank 1 where no expert has any: a product over nothing is no product to every runtime. */
function partsOf(name: string, experts: readonly RunExpert[], m: number, n: number, rows: number): readonly Part[] {
  const parts = experts.flatMap(({ expert, weights }): readonly Part[] => {
    const factors = expert.factors.get(name);
    return factors === undefined ? [] : [{ factors, weights }];
  });
  if (parts.length > 0) return parts;
  return [{ factors: { rank: 1, u: new Float32Array(m), v: new Float32Array(n) }, weights: new Float32Array(rows) }];
}

function rankOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { factors }) => sum + factors.rank, 0);
}

/** Arrays one after another; a single one as it is. */
function joined(arrays: readonly Float32Array[]): Float32Array {
  if (arrays.length === 1) return arrays[0];
  const out = sharedFloats(arrays.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const array of arrays) {
    out.set(array, offset);
    offset += array.length;
  }
  return out;
}
