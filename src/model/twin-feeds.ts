// What one run of an open graph is fed with beside its tokens: the factors of the run's experts, and each row's weights of them.
//
// Letters: B rows, N tokens of all rows, S experts of the run, m × n a matrix, R ranks of the run's experts added up.

import { sharedFloats } from '../core/shared-floats.ts';
import { floatTensor, type FloatTensor } from '../core/tensor.ts';
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

/**
 * Feeds of every opening. A parameter that none of the run's experts changes gets one column of zeros.
 * @param experts may be none: the rows are answered by the shared model
 * Cost: a copy of the factors; none when there is one expert
 */
export function twinFeeds(openings: readonly Opening[], rows: readonly TokenRow[], experts: readonly RunExpert[]): Feeds {
  const feeds: Feeds = {};
  for (const opening of openings) {
    switch (opening.kind) {
      case 'matrix':
        feedMatrix(feeds, opening, rows, experts);
        break;
      case 'table':
        feedTable(feeds, opening, rows, experts);
        break;
      case 'vector':
        feedVector(feeds, opening, rows, experts);
    }
  }
  return feeds;
}

type FeedOf<K> = (
  feeds: Feeds,
  opening: Extract<Opening, { readonly kind: K }>,
  rows: readonly TokenRow[],
  experts: readonly RunExpert[],
) => void;

const feedMatrix: FeedOf<'matrix'> = (feeds, { name, m, n }, rows, experts) => {
  const parts = partsOf(name, experts, m, n, rows.length);
  const rank = rankOf(parts);
  feeds[`${name}.up`] = floatTensor([rank, m], joined(parts.map(({ factors }) => factors.u)));
  feeds[`${name}.down`] = floatTensor([rank, n], joined(parts.map(({ factors }) => factors.v)));
  const columns = new Float32Array(rows.length * rank);
  let start = 0;
  for (const { factors, weights } of parts) {
    for (let b = 0; b < rows.length; b++) columns.fill(weights[b], b * rank + start, b * rank + start + factors.rank);
    start += factors.rank;
  }
  feeds[`${name}.weights`] = floatTensor([rows.length, 1, rank], columns);
};

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
