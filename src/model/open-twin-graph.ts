// The factored graph with its experts left open: the shared model is compiled once, and each run brings the factors of the experts that its rows
// really mix. Experts come and go without compiling anything, and a run costs what its own experts cost, however many there are.
//
// A run's tokens are cut into K equal tiles, each with experts of its own: one tile for rows that share experts, a tile a row where they do not.
//
// Letters: B batch, N tokens of all rows, K tiles, m × n a matrix, R ranks of a tile's experts added up, S a run's experts, d hidden width.

import { TwinrouteError } from '../core/errors.ts';
import { once, onceEach } from '../core/once.ts';
import { toShared } from '../core/shared-floats.ts';
import { floatTensor, type FloatTensor } from '../core/tensor.ts';
import type { FloatPrecision, GraphBuilder, ValueName } from '../formats/onnx/graph.ts';
import type { Architecture } from './architecture.ts';
import { sharedMatrix, type MixedWeights } from './mixed-weights.ts';
import { outputEncoder } from './onnx-emitter.ts';
import { openBuilder } from './open-graph.ts';
import { createOnnxOps } from './onnx-ops.ts';
import { packed } from './token-layout.ts';
import type { ReadParameter } from './twin-parameters.ts';

/** What tells which rows of a table a token has. */
export type TableIndex = 'input_ids' | 'token_type_ids' | 'positions';

/**
 * A parameter that experts change, and the inputs that its changes come by:
 * `matrix`: `<name>.up [K, R, m]`, with the bias as one row more where there is one, `<name>.down [K, R, n]`, `<name>.weights [K, N / K, R]`, of each token, or
 * `[K, B / K, R]` where the layer reads one vector a row;
 * `table`: `<name>.rows [1, N, R]`, weighted rows of U, and `<name>.v [R, n]`;
 * `vector`: `<name>.deltas [S, m]`, `<name>.weights [B, 1, S]`.
 */
export type Opening =
  | {
      readonly kind: 'matrix';
      readonly name: string;
      readonly m: number;
      readonly n: number;
      readonly bias: Float32Array | undefined;
      readonly per: 'token' | 'row';
    }
  | { readonly kind: 'table'; readonly name: string; readonly n: number; readonly index: TableIndex }
  | { readonly kind: 'vector'; readonly name: string; readonly m: number };

/** A graph and what it wants. */
export interface OpenTwinGraph {
  /** ONNX bytes: the inputs of the layout `packed` and the openings → `pooled`, `features` (f32 `[B, d]`). */
  readonly model: Uint8Array;
  readonly openings: readonly Opening[];
  /** Tensors of the shared model to feed in every run: sessions over the same ones share their memory. */
  readonly fed: Readonly<Record<string, FloatTensor>>;
}

/**
 * The graph of a shared model.
 * @param changed names of the parameters that some expert changes
 * @param fed names of the tables that are inputs instead of constants; a runtime only picks rows of them, so that it gains nothing by knowing them before
 * @throws {TwinrouteError} `shape` for a table or a matrix that is none; `unsupported` when the file would reach 2 GiB
 * Cost: the file's size in memory, and one weight at a time beside it
 */
export function emitOpenTwinGraph<C>(
  architecture: Architecture<C>,
  config: C,
  shared: ReadParameter,
  changed: ReadonlySet<string>,
  fed: ReadonlySet<string> = new Set(),
  precision: FloatPrecision = 'fp32',
): OpenTwinGraph {
  const feeds: Record<string, FloatTensor> = {};
  const onOpen = (name: string, tensor: () => FloatTensor): void => {
    const { shape, data } = tensor();
    feeds[name] = floatTensor(shape, toShared(data));
  };
  const graph = openBuilder(architecture.type, fed, onOpen, precision);
  const layout = packed(graph);
  const { inputs } = layout;
  const openings: Opening[] = [];
  const ops = createOnnxOps(
    graph,
    layout,
    createOpenWeights(graph, shared, changed, (opening) => openings.push(opening)),
  );
  outputEncoder(graph, ops, architecture.encode(ops, config, inputs), inputs, architecture.width(config));
  return { model: graph.encode(), openings, fed: feeds };
}

function createOpenWeights(
  graph: GraphBuilder,
  shared: ReadParameter,
  changed: ReadonlySet<string>,
  onOpen: (opening: Opening) => void,
): MixedWeights {
  const matrix = (name: string) => sharedMatrix(shared, name);
  const float = (name: string, shape: readonly (number | string)[]): ValueName => graph.input(name, 'float32', shape);
  const vectors = onceEach<ReturnType<MixedWeights['vector']>>();
  const makeVector = (name: string): ReturnType<MixedWeights['vector']> => {
    const tensor = shared(name);
    const constant = once(() => graph.constant(name, 'float32', tensor.shape, () => tensor.data));
    const [m] = tensor.shape;
    // Asked for where it is used: a bias that became a rank is no constant of the graph.
    if (!changed.has(name)) return { perRequest: false, tensor, value: constant };
    onOpen({ kind: 'vector', name, m });
    const delta = graph.node('MatMul', [float(`${name}.weights`, ['batch', 1, `S ${name}`]), float(`${name}.deltas`, [`S ${name}`, m])]);
    const own = graph.node('Add', [constant(), delta]);
    return { perRequest: true, tensor, value: () => own };
  };
  const tiles = once(() => graph.input('tiles', 'int64', [1]));
  const ones = once(() => float('ones', ['batch', 1, 1]));
  const reshaped = onceEach<ValueName>();
  const tileShapes = onceEach<ValueName>();
  const tileShape = (n: number): ValueName =>
    tileShapes(String(n), () => graph.node('Concat', [tiles(), graph.ints([-1, n])], { axis: { int: 0 } }));
  /** `[N, n]` as `[K, N / K, n]`; copies nothing. */
  const inTiles = (x: ValueName, n: number): ValueName => reshaped(`${x} ${n}`, () => graph.node('Reshape', [x, tileShape(n)]));
  return {
    matrix,
    // The bias is one rank more, weighed by 1: a sum after the product would be a pass over all that the layer gives. Weights come token by token: they are
    // few numbers, and every operator that spread them here would be as dear as a thin product.
    addend(name, { flat, per, spread }, bias) {
      if (!changed.has(name)) return undefined;
      const [m, n] = matrix(name).shape;
      onOpen({ kind: 'matrix', name, m, n, bias: bias?.tensor.data, per });
      const rank = `R ${name}`;
      const up = float(`${name}.up`, ['tiles', bias === undefined ? rank : `${rank} + 1`, m]);
      const down = graph.node('Transpose', [float(`${name}.down`, ['tiles', rank, n])], { perm: { ints: [0, 2, 1] } });
      const inner = graph.node('MatMul', [inTiles(flat, n), down]); // [K, N / K, R]
      const weighed = graph.node('Mul', [inner, float(`${name}.weights`, ['tiles', `${per}s of a tile`, rank])]);
      const full = bias === undefined ? weighed : graph.node('Concat', [weighed, inTiles(spread(ones()), 1)], { axis: { int: 2 } });
      return graph.node('Flatten', [graph.node('MatMul', [full, up])], { axis: { int: 2 } });
    },
    tableFactors(name, _pick, index) {
      if (!changed.has(name)) return undefined;
      const [, n] = matrix(name).shape;
      onOpen({ kind: 'table', name, n, index: tableIndex(index) });
      return { rows: float(`${name}.rows`, [1, 'tokens', `R ${name}`]), v: float(`${name}.v`, [`R ${name}`, n]) };
    },
    vector: (name) => vectors(name, () => makeVector(name)),
  };
}

function tableIndex(index: ValueName): TableIndex {
  if (index === 'input_ids' || index === 'token_type_ids' || index === 'positions') return index;
  throw new TwinrouteError('internal', `emitOpenTwinGraph: expected a table that an input of the encoder picks from, got ${index}`);
}
