// Token rows of unlike lengths as the inputs of a packed graph.
//
// Letters: B rows, T tokens of the longest row, N tokens of all rows.

import type { Tensor } from '../core/tensor.ts';
import type { TokenRow } from './encoder-feeds.ts';

/**
 * The inputs of the layout `packed`. Padded places hold the first token, under a zero mask.
 * @param rows at least one, each with at least one token
 * @param even fills each row up to the longest, so that all have as many tokens
 */
export function packedFeeds(rows: readonly TokenRow[], even = false): Record<string, Tensor> {
  const longest = Math.max(...rows.map(({ ids }) => ids.length));
  const tokens = even ? rows.length * longest : rows.reduce((sum, { ids }) => sum + ids.length, 0);
  const [ids, types, positions, owners] = Array.from({ length: 4 }, () => new Int32Array(tokens));
  const [mask, places] = Array.from({ length: 2 }, () => new Int32Array(rows.length * longest));
  const firsts = new Int32Array(rows.length);
  let n = 0;
  for (const [b, row] of rows.entries()) {
    firsts[b] = n;
    ids.set(row.ids, n);
    types.set(row.types, n);
    mask.fill(1, b * longest, b * longest + row.ids.length);
    for (let t = 0; t < (even ? longest : row.ids.length); t++, n++) {
      positions[n] = t;
      owners[n] = b;
      places[b * longest + t] = n;
    }
  }
  const ofTokens = (data: Int32Array): Tensor => ({ dtype: 'int32', shape: [1, tokens], data });
  const ofRows = (data: Int32Array): Tensor => ({ dtype: 'int32', shape: [rows.length, longest], data });
  return {
    input_ids: ofTokens(ids),
    token_type_ids: ofTokens(types),
    position_ids: ofTokens(positions),
    row_ids: ofTokens(owners),
    attention_mask: ofRows(mask),
    places: ofRows(places),
    firsts: { dtype: 'int32', shape: [rows.length, 1], data: firsts },
  };
}
