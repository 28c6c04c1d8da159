// Token rows of unlike lengths as an encoder graph's inputs.
//
// Letters: B rows, T tokens of the longest row, or more.

import type { Tensor } from '../core/tensor.ts';

/** One row, without padding. */
export interface TokenRow {
  readonly ids: Int32Array;
  /** Segment of each token. */
  readonly types: Int32Array;
}

/**
 * `input_ids`, `attention_mask` and `token_type_ids`, int64 `[B, T]`: rows padded with zeros under a zero mask.
 * @param rows at least one, each with at least one token
 * @param atLeast tokens to pad to where all rows are shorter
 */
export function encoderFeeds(rows: readonly TokenRow[], atLeast = 0): Record<string, Tensor> {
  const tokens = Math.max(atLeast, ...rows.map(({ ids }) => ids.length));
  const shape = [rows.length, tokens];
  const ids = new BigInt64Array(rows.length * tokens);
  const mask = new BigInt64Array(rows.length * tokens);
  const types = new BigInt64Array(rows.length * tokens);
  for (const [i, row] of rows.entries()) {
    for (let t = 0; t < row.ids.length; t++) {
      ids[i * tokens + t] = BigInt(row.ids[t]);
      types[i * tokens + t] = BigInt(row.types[t]);
    }
    mask.fill(1n, i * tokens, i * tokens + row.ids.length);
  }
  return {
    input_ids: { dtype: 'int64', shape, data: ids },
    attention_mask: { dtype: 'int64', shape, data: mask },
    token_type_ids: { dtype: 'int64', shape, data: types },
  };
}
