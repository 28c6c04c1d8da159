// How the tokens of a run's rows lie in the values of a graph. `padded`: a row of T tokens each, whatever its length, which every engine understands.
// `packed`: all rows one after another, so that only attention ever sees padding; the other nine tenths of the work are done for real tokens alone.
//
// Letters: B rows, T tokens of the longest row, N tokens of all rows, d a width.

import { once, onceEach } from '../core/once.ts';
import type { GraphBuilder, ValueName } from '../formats/onnx/graph.ts';
import type { EncoderInputs } from './architecture.ts';

/** Hidden values are `[B, T, d]` in a padded graph and `[1, N, d]` in a packed one; what is one vector a row is `[B, 1, d]` in both. */
export interface TokenLayout {
  readonly inputs: EncoderInputs<ValueName>;
  /** Rows of a table of positions for each token: `[P, d]` → something that broadcasts over hidden values. */
  positions(table: ValueName): ValueName;
  /** Rows that attention pads to the same length; each row is in one of them. */
  readonly groups: readonly AttentionGroup[];
  /** The way back from heads to hidden values, from `[B, h, T, d / h]` of each group. */
  fromHeads(parts: readonly ValueName[], heads: number): ValueName;
  /** Hidden values as `[B, T, d]`, padded in the same way. */
  toRows(x: ValueName): ValueName;
  /** Each row's first token: hidden values → `[B, 1, d]`. */
  firstToken(x: ValueName): ValueName;
  /** A vector of each row, `[B, 1, d]`, as something that broadcasts over hidden values. */
  spread(vectors: ValueName): ValueName;
  /** What was computed token by token, `[tokens, width]`, with the axes of the hidden values x. Copies nothing. */
  unflatten(flat: ValueName, x: ValueName, width: number): ValueName;
}

/** Rows padded to the same length. */
export interface AttentionGroup {
  /** `[B, T]` */
  readonly mask: ValueName;
  /** Hidden values of its rows cut into heads, `[B, h, T, d / h]`; what stands in padded places is arbitrary, but finite. */
  toHeads(x: ValueName, heads: number): ValueName;
}

/** Makes a layout with its inputs in a graph. */
export type CreateLayout = (graph: GraphBuilder) => TokenLayout;

/** Inputs `input_ids`, `attention_mask` and `token_type_ids`, int64 `[B, T]`. */
export const padded: CreateLayout = (graph) => {
  const { node, ints } = graph;
  const input = (name: string): ValueName => graph.input(name, 'int64', ['batch', 'tokens']);
  const inputs = { ids: input('input_ids'), mask: input('attention_mask'), types: input('token_type_ids') };
  const length = once(() => node('Shape', [inputs.ids], { start: { int: 1 }, end: { int: 2 } })); // [1]
  const shapes = onceEach<ValueName>();
  const axesOf = (x: ValueName, width: number): ValueName =>
    shapes(`${x} ${width}`, () =>
      node('Concat', [node('Shape', [x], { start: { int: 0 }, end: { int: 2 } }), ints([width])], { axis: { int: 0 } }),
    );
  return {
    inputs,
    positions: (table) => node('Slice', [table, ints([0]), length(), ints([0])]),
    groups: [
      {
        mask: inputs.mask,
        toHeads: (x, heads) => node('Transpose', [node('Reshape', [x, ints([0, 0, heads, -1])])], { perm: { ints: [0, 2, 1, 3] } }),
      },
    ],
    fromHeads: ([x]) => node('Reshape', [node('Transpose', [x], { perm: { ints: [0, 2, 1, 3] } }), ints([0, 0, -1])]),
    toRows: (x) => x,
    firstToken: (x) => node('Slice', [x, ints([0]), ints([1]), ints([1])]),
    spread: (vectors) => vectors,
    unflatten: (flat, x, width) => node('Reshape', [flat, axesOf(x, width)]),
  };
};

/** Groups of a packed graph; what one of them lacks in rows it has in a token that nobody looks at. */
export const PACKED_GROUPS = 2;

/**
 * Inputs, all int32, as `packedFeeds` makes them: `input_ids`, `token_type_ids`, `position_ids` and `row_ids` `[1, N]`; `attention_mask` and `places` `[B, T]`, which
 * token stands where when rows are padded, and for each group of attention `attention_mask_g` and `places_g` `[B_g, T_g]`; `starts` and `strides` `[1, N]`: where a
 * token's row starts, all groups one after another, and its group's T_g; `firsts` `[B, 1]`.
 */
export const packed: CreateLayout = (graph) => {
  const { node, ints } = graph;
  const ofTokens = (name: string): ValueName => graph.input(name, 'int32', [1, 'tokens']);
  const ofRows = (name: string, group = ''): ValueName => graph.input(`${name}${group}`, 'int32', [`batch${group}`, `longest${group}`]);
  const inputs = { ids: ofTokens('input_ids'), mask: ofRows('attention_mask'), types: ofTokens('token_type_ids') };
  const positions = ofTokens('position_ids');
  const rows = ofTokens('row_ids');
  const places = ofRows('places');
  const starts = ofTokens('starts');
  const strides = ofTokens('strides');
  const firsts = graph.input('firsts', 'int32', ['batch', 1]);
  const flat = (x: ValueName): ValueName => node('Flatten', [x], { axis: { int: 2 } });
  const headsOf = onceEach<ValueName>();
  const group = (name: string): AttentionGroup => {
    const own = ofRows('places', name);
    return {
      mask: ofRows('attention_mask', name),
      // One pick of whole heads does the work of padding and of the transposition that attention needs anyway.
      toHeads(x, heads) {
        const cut = headsOf(`${x} ${heads}`, () => headRows(graph, node('Reshape', [x, ints([0, 0, heads, -1])]))); // of [1, N, h, d / h]
        return node('Gather', [cut, headsOf(`${own} ${heads}`, () => headPlaces(graph, own, heads))]);
      },
    };
  };
  return {
    inputs,
    positions: (table) => node('Gather', [table, positions]),
    groups: Array.from({ length: PACKED_GROUPS }, (_, g) => group(`_${g}`)),
    fromHeads(parts, heads) {
      const picked = headsOf(`back ${heads}`, () => headOrigins(graph, { starts, strides, positions }, heads));
      const all = node(
        'Concat',
        parts.map((part) => headRows(graph, part)),
        { axis: { int: 0 } },
      );
      return node('Reshape', [node('Gather', [all, picked]), ints([0, 0, -1])]); // of [1, N, h, d / h]
    },
    toRows: (x) => node('Gather', [flat(x), places]),
    firstToken: (x) => node('Gather', [flat(x), firsts]),
    spread: (vectors) => node('Gather', [node('Squeeze', [vectors, ints([1])]), rows]),
    // A constant shape: onnxruntime joins sums and normalisations of values whose widths it knows.
    unflatten: (flat, _, width) => node('Reshape', [flat, ints([1, -1, width])]),
  };
};

/** Heads one after another: `[…, …, …, d / h]` as a table of rows. Copies nothing. */
function headRows({ node }: GraphBuilder, x: ValueName): ValueName {
  return node('Flatten', [x], { axis: { int: 3 } });
}

/** Which head of which token stands where, counting heads: `[B, h, T]`. */
function headPlaces(graph: GraphBuilder, places: ValueName, heads: number): ValueName {
  const { node, ints } = graph;
  const first = node('Mul', [node('Unsqueeze', [places, ints([1])]), headCount(graph, heads)]);
  return node('Add', [first, node('Unsqueeze', [headNumbers(graph, heads), ints([1])])]);
}

/** Where each token's heads stand among the heads of all groups, each `[B, h, T]`: `[1, N, h]`. */
function headOrigins(
  graph: GraphBuilder,
  { starts, strides, positions }: { readonly starts: ValueName; readonly strides: ValueName; readonly positions: ValueName },
  heads: number,
): ValueName {
  const { node, ints } = graph;
  const first = node('Add', [node('Mul', [starts, headCount(graph, heads)]), positions]);
  const further = node('Mul', [node('Unsqueeze', [strides, ints([2])]), headNumbers(graph, heads)]);
  return node('Add', [node('Unsqueeze', [first, ints([2])]), further]);
}

/** h */
function headCount(graph: GraphBuilder, heads: number): ValueName {
  return graph.int32s([heads]);
}

/** 0 to h - 1 */
function headNumbers(graph: GraphBuilder, heads: number): ValueName {
  return graph.int32s(Array.from({ length: heads }, (_, h) => h));
}
