// Texts as batches of tokens for the tfjs executor.
//
// Letters: B rows, T tokens of the longest row.

import type * as tfjs from '@tensorflow/tfjs';
import { createRandom } from '../../core/random.ts';
import { createTokenizer } from '../../formats/tokenizer.ts';
import type { EncoderInputs } from '../../model/architecture.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import type { Tfjs } from '../engine/engine.ts';
import type { AdaptExpert, AdaptInput } from './adapt-input.ts';

/** Longer texts are cut: cost grows with every token, and what tells tasks apart stands early. */
const MAX_TOKENS = 64;

/** The texts of each expert as token rows, in expert order. */
export function tokenRows({
  experts,
  tokenizer,
  maxTokens,
}: Pick<AdaptInput, 'experts' | 'tokenizer' | 'maxTokens'>): readonly (readonly TokenRow[])[] {
  const { encode } = createTokenizer(tokenizer.json, tokenizer.config, Math.min(maxTokens, MAX_TOKENS));
  return experts.map(({ examples }: AdaptExpert) => examples.map(({ text, text_pair: pair }) => encode(text, pair)));
}

/** Rows padded to the longest, int32 `[B, T]` each. The tensors are the caller's. */
export function tokenBatch(tf: Tfjs, rows: readonly TokenRow[]): EncoderInputs<tfjs.Tensor> {
  const tokens = Math.max(...rows.map(({ ids }) => ids.length));
  const grid = (put: (row: TokenRow, to: Int32Array) => void): tfjs.Tensor => {
    const data = new Int32Array(rows.length * tokens);
    for (const [i, row] of rows.entries()) put(row, data.subarray(i * tokens, (i + 1) * tokens));
    return tf.tensor2d(data, [rows.length, tokens], 'int32');
  };
  return {
    ids: grid(({ ids }, to) => to.set(ids)),
    mask: grid(({ ids }, to) => to.fill(1, 0, ids.length)),
    types: grid(({ types }, to) => to.set(types)),
  };
}

/**
 * All rows in batches of like length, so that little is padding.
 * @param tokens of a batch at most, padding counted; a longer row is a batch of its own
 */
export function cutBatches(rows: readonly TokenRow[], tokens: number): readonly (readonly TokenRow[])[] {
  const batches: TokenRow[][] = [];
  for (const row of rows.toSorted((a, b) => a.ids.length - b.ids.length)) {
    const batch = batches.at(-1);
    if (batch !== undefined && (batch.length + 1) * row.ids.length <= tokens) batch.push(row);
    else batches.push([row]);
  }
  return batches;
}

/**
 * The rows of learning step `step`, counted from 0: the next `size` of an endless sequence of shuffled epochs. A function of its arguments,
 * so that learning continues anywhere.
 * @param label tells the streams of several tasks apart
 */
export function drawRows(rows: readonly TokenRow[], step: number, size: number, seed: number, label: string): readonly TokenRow[] {
  const orders = new Map<number, Int32Array>();
  return Array.from({ length: size }, (_, k) => {
    const position = step * size + k;
    const epoch = Math.floor(position / rows.length);
    let order = orders.get(epoch);
    if (order === undefined) {
      order = createRandom(seed, `adapt ${label} ${epoch}`).shuffle(Int32Array.from(rows.keys()));
      orders.set(epoch, order);
    }
    return rows[order[position % rows.length]];
  });
}
