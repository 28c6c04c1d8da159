// Token rows of unlike lengths as the inputs of a packed graph.
//
// Letters: B rows, T tokens of the longest row, N tokens of all rows.

import { attentionGroups } from '../core/batching/attention-groups.ts';
import type { Tensor } from '../core/tensor.ts';
import type { TokenRow } from './encoder-feeds.ts';
import { PACKED_GROUPS } from './token-layout.ts';

/**
 * The inputs of the layout `packed`. Padded places hold the first token, under a zero mask.
 * @param rows at least one, each with at least one token
 * @param even fills each row up to the longest, so that all have as many tokens
 */
export function packedFeeds(rows: readonly TokenRow[], even = false): Record<string, Tensor> {
  const longest = Math.max(...rows.map(({ ids }) => ids.length));
  const tokens = even ? rows.length * longest : rows.reduce((sum, { ids }) => sum + ids.length, 0);
  const [ids, types, positions, owners, starts, strides] = Array.from({ length: 6 }, () => new Int32Array(tokens));
  const firsts = new Int32Array(rows.length);
  let n = 0;
  for (const [b, row] of rows.entries()) {
    firsts[b] = n;
    ids.set(row.ids, n);
    types.set(row.types, n);
    // What fills a row up stands where its first token stands: nobody looks at it.
    for (let t = 0; t < row.ids.length; t++) positions[n + t] = t;
    const end = n + (even ? longest : row.ids.length);
    owners.fill(b, n, end);
    n = end;
  }
  const feeds: Record<string, Tensor> = paddedRows(rows, [...rows.keys()], firsts, '');
  const { groups } = attentionGroups(rows.map(({ ids: own }) => own.length));
  let start = 0;
  for (let g = 0; g < PACKED_GROUPS; g++) {
    const members = groups[g] ?? [];
    Object.assign(feeds, members.length === 0 ? nobody(g) : paddedRows(rows, members, firsts, `_${g}`));
    const stride = Math.max(1, ...members.map((b) => rows[b].ids.length));
    for (const b of members) {
      const end = b + 1 < rows.length ? firsts[b + 1] : tokens;
      starts.fill(start, firsts[b], end);
      strides.fill(stride, firsts[b], end);
      start += stride;
    }
    if (members.length === 0) start += stride;
  }
  const ofTokens = (data: Int32Array): Tensor => ({ dtype: 'int32', shape: [1, tokens], data });
  return {
    ...feeds,
    input_ids: ofTokens(ids),
    token_type_ids: ofTokens(types),
    position_ids: ofTokens(positions),
    row_ids: ofTokens(owners),
    starts: ofTokens(starts),
    strides: ofTokens(strides),
    firsts: { dtype: 'int32', shape: [rows.length, 1], data: firsts },
  };
}

/** Which token stands where when these rows are padded to the longest of them, and which places are none's. */
function paddedRows(rows: readonly TokenRow[], members: readonly number[], firsts: Int32Array, group: string): Record<string, Tensor> {
  const longest = Math.max(...members.map((b) => rows[b].ids.length));
  const [mask, places] = Array.from({ length: 2 }, () => new Int32Array(members.length * longest));
  for (const [at, b] of members.entries()) {
    const { length } = rows[b].ids;
    mask.fill(1, at * longest, at * longest + length);
    for (let t = 0; t < length; t++) places[at * longest + t] = firsts[b] + t;
  }
  const shape = [members.length, longest];
  return {
    [`attention_mask${group}`]: { dtype: 'int32', shape, data: mask },
    [`places${group}`]: { dtype: 'int32', shape, data: places },
  };
}

/** A group without rows: one token, which is in another one, too. Products over nothing are none to every runtime. */
function nobody(group: number): Record<string, Tensor> {
  const one = (value: number): Tensor => ({ dtype: 'int32', shape: [1, 1], data: Int32Array.of(value) });
  return { [`attention_mask_${group}`]: one(1), [`places_${group}`]: one(0) };
}
