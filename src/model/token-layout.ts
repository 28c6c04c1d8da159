// How the tokens of a run's rows lie in the values of a graph. `padded`: a row of T tokens each, whatever its length, which every engine understands.
// `packed`: all rows one after another, so that only attention ever sees padding; the other nine tenths of the work are done for real tokens alone.
//
// Letters: B rows, T tokens of the longest row, N tokens of all rows, d a width.

import type { GraphBuilder, ValueName } from '../formats/onnx/graph.ts';
import type { EncoderInputs } from './architecture.ts';

/** Hidden values are `[B, T, d]` in a padded graph and `[1, N, d]` in a packed one; what is one vector a row is `[B, 1, d]` in both. */
export interface TokenLayout {
  readonly inputs: EncoderInputs<ValueName>;
  /** Rows of a table of positions for each token: `[P, d]` → something that broadcasts over hidden values. */
  positions(table: ValueName): ValueName;
  /** Hidden values cut into heads, `[B, h, T, d / h]`; what stands in padded places is arbitrary, but finite. */
  toHeads(x: ValueName, heads: number): ValueName;
  /** The way back, from `[B, h, T, d / h]`. */
  fromHeads(x: ValueName, heads: number): ValueName;
  /** Hidden values as `[B, T, d]`, padded in the same way. */
  toRows(x: ValueName): ValueName;
  /** Each row's first token: hidden values → `[B, 1, d]`. */
  firstToken(x: ValueName): ValueName;
  /** A vector of each row, `[B, 1, d]`, as something that broadcasts over hidden values. */
  spread(vectors: ValueName): ValueName;
}

/** Makes a layout with its inputs in a graph. */
export type CreateLayout = (graph: GraphBuilder) => TokenLayout;

/** Inputs `input_ids`, `attention_mask` and `token_type_ids`, int64 `[B, T]`. */
export const padded: CreateLayout = (graph) => {
  const { node, ints } = graph;
  const input = (name: string): ValueName => graph.input(name, 'int64', ['batch', 'tokens']);
  const inputs = { ids: input('input_ids'), mask: input('attention_mask'), types: input('token_type_ids') };
  const length = once(() => node('Shape', [inputs.ids], { start: { int: 1 }, end: { int: 2 } })); // [1]
  return {
    inputs,
    positions: (table) => node('Slice', [table, ints([0]), length(), ints([0])]),
    toHeads: (x, heads) => node('Transpose', [node('Reshape', [x, ints([0, 0, heads, -1])])], { perm: { ints: [0, 2, 1, 3] } }),
    fromHeads: (x) => node('Reshape', [node('Transpose', [x], { perm: { ints: [0, 2, 1, 3] } }), ints([0, 0, -1])]),
    toRows: (x) => x,
    firstToken: (x) => node('Slice', [x, ints([0]), ints([1]), ints([1])]),
    spread: (vectors) => vectors,
  };
};

/**
 * Inputs, all int32, as `packedFeeds` makes them: `input_ids`, `token_type_ids`, `position_ids` and `row_ids` `[1, N]`; `attention_mask` and `places` `[B, T]`, which
 * token stands where when rows are padded; `firsts` `[B, 1]`.
 */
export const packed: CreateLayout = (graph) => {
  const { node, ints } = graph;
  const ofTokens = (name: string): ValueName => graph.input(name, 'int32', [1, 'tokens']);
  const ofRows = (name: string): ValueName => graph.input(name, 'int32', ['batch', 'longest']);
  const inputs = { ids: ofTokens('input_ids'), mask: ofRows('attention_mask'), types: ofTokens('token_type_ids') };
  const positions = ofTokens('position_ids');
  const rows = ofTokens('row_ids');
  const places = ofRows('places');
  const firsts = graph.input('firsts', 'int32', ['batch', 1]);
  const flat = (x: ValueName): ValueName => node('Flatten', [x], { axis: { int: 2 } });
  const toHeads = new Map<number, ValueName>();
  const fromHeads = new Map<number, ValueName>();
  // One pick of whole heads does the work of padding and of the transposition that attention needs anyway.
  return {
    inputs,
    positions: (table) => node('Gather', [table, positions]),
    toHeads(x, heads) {
      const picked = keep(toHeads, heads, () => headPlaces(graph, places, heads));
      const cut = node('Reshape', [x, ints([0, 0, heads, -1])]); // [1, N, h, d / h]
      return node('Gather', [node('Flatten', [cut], { axis: { int: 3 } }), picked]);
    },
    fromHeads(x, heads) {
      const picked = keep(fromHeads, heads, () => headOrigins(graph, { rows, positions, places }, heads));
      const back = node('Gather', [node('Flatten', [x], { axis: { int: 3 } }), picked]); // [1, N, h, d / h]
      return node('Reshape', [back, ints([0, 0, -1])]);
    },
    toRows: (x) => node('Gather', [flat(x), places]),
    firstToken: (x) => node('Gather', [flat(x), firsts]),
    spread: (vectors) => node('Gather', [node('Squeeze', [vectors, ints([1])]), rows]),
  };
};

/** Which head of which token stands where, counting heads: `[B, h, T]`. */
function headPlaces({ node, constant, ints }: GraphBuilder, places: ValueName, heads: number): ValueName {
  const first = node('Mul', [node('Unsqueeze', [places, ints([1])]), constant(`heads ${heads}`, 'int32', [], () => Int32Array.of(heads))]);
  return node('Add', [first, constant(`head of ${heads}`, 'int32', [1, heads, 1], () => Int32Array.from({ length: heads }, (_, h) => h))]);
}

/** Where each token's heads stand among `[B · h · T]`: `[1, N, h]`. */
function headOrigins(
  { node, constant, ints }: GraphBuilder,
  { rows, positions, places }: { readonly rows: ValueName; readonly positions: ValueName; readonly places: ValueName },
  heads: number,
): ValueName {
  const longest = node('Cast', [node('Shape', [places], { start: { int: 1 }, end: { int: 2 } })], { to: { int: 6 } }); // int32 [1]
  const first = node('Unsqueeze', [
    node('Mul', [rows, constant(`heads a row ${heads}`, 'int32', [], () => Int32Array.of(heads))]),
    ints([2]),
  ]);
  const head = node('Add', [
    first,
    constant(`heads in a row ${heads}`, 'int32', [heads], () => Int32Array.from({ length: heads }, (_, h) => h)),
  ]);
  return node('Add', [node('Mul', [head, longest]), node('Unsqueeze', [positions, ints([2])])]);
}

function keep<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

function once<T>(make: () => T): () => T {
  let value: { readonly made: T } | undefined;
  return () => (value ??= { made: make() }).made;
}
