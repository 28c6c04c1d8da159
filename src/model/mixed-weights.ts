// Weights of a graph that may differ from request to request of one batch. Nothing is merged: a factored module costs two thin
// products beside the shared one, so that every row of a batch carries its own mix.
//
// Letters: B batch, T tokens, E experts, m × n a matrix, R the ranks of all experts' modules of one parameter added up.

import { TwinrouteError } from '../core/errors.ts';
import { onceEach } from '../core/once.ts';
import { expectFloat, type FloatTensor } from '../core/tensor.ts';
import type { GraphBuilder, ValueName } from '../formats/onnx/graph.ts';
import { concatColumns, concatRows, transpose } from './matrices.ts';
import type { GraphExpert, ReadParameter } from './twin-parameters.ts';

/** What enters a linear layer. */
export interface LayerInput {
  /** Its rows, `[N, n]`. */
  readonly flat: ValueName;
  /** Whether each of them is a token, or each one request's vector. */
  readonly per: 'token' | 'row';
  /** What was computed from the rows, with the axes of the layer's input again: `[N, width]` → `[…, …, width]`. */
  unflatten(flat: ValueName, width: number): ValueName;
  /** What each request brings of its own, `[B, 1, R]`, as something that broadcasts over that. */
  spread(own: ValueName): ValueName;
}

/** What experts add to a table `[m, n]`, whose rows are picked and not multiplied. */
export interface TableStack {
  /** Rows of U for the tokens, already weighted: `[B, T, R]`. */
  readonly rows: ValueName;
  /** `[R, n]` */
  readonly v: ValueName;
}

/** A vector of the model. */
export interface MixedVector {
  /** `[m]` where no expert changes it, else each request's own, `[B, 1, m]`; in the graph once it is asked for. */
  value(): ValueName;
  readonly perRequest: boolean;
  /** The shared one. */
  readonly tensor: FloatTensor;
}

/** Picks the tokens' rows of a table with `rank` columns, `[m, rank]`. */
export type PickRows = (table: () => Float32Array, rank: number) => ValueName;

/** Parameters as values of a graph. */
export interface MixedWeights {
  /** The shared matrix `[m, n]`. */
  matrix(name: string): FloatTensor;
  /**
   * What the experts add to the product of a matrix `[m, n]`, and the layer's bias if it has one for all requests: the addend of the shared product, `[N, m]`.
   * Undefined when no expert changes the matrix.
   */
  addend(name: string, x: LayerInput, bias: MixedVector | undefined): ValueName | undefined;
  /**
   * The same of a table.
   * @param index the input whose ids pick its rows, or `positions`
   */
  tableFactors(name: string, pick: PickRows, index: ValueName): TableStack | undefined;
  vector(name: string): MixedVector;
}

/** The shared model's matrix of that name. @throws {TwinrouteError} `shape` when it is none */
export function sharedMatrix(shared: ReadParameter, name: string): FloatTensor {
  const tensor = shared(name);
  if (tensor.shape.length === 2) return tensor;
  throw new TwinrouteError('shape', `${name}: expected a matrix, got [${tensor.shape.join(', ')}]`);
}

/**
 * The parameters of the shared model and its experts.
 * @param mix `[B, E]`, the weight of each expert; undefined when there are no experts
 */
export function createMixedWeights(
  graph: GraphBuilder,
  shared: ReadParameter,
  experts: readonly GraphExpert[],
  mix: ValueName | undefined,
): MixedWeights {
  const columnsByOwners = onceEach<ValueName>();
  const vectors = onceEach<MixedVector>();

  /** The mix's column of each owner, in that order: `[B, 1, owners]`. */
  const mixColumns = (owners: readonly number[]): ValueName => {
    if (mix === undefined) throw new TwinrouteError('internal', 'mixColumns: expected a mix, got a graph without experts');
    return columnsByOwners(owners.join(' '), () =>
      graph.node('Unsqueeze', [graph.node('Gather', [mix, graph.ints(owners)], { axis: { int: 1 } }), graph.ints([1])]),
    );
  };

  const matrix = (name: string): FloatTensor => sharedMatrix(shared, name);

  /** Factors of all experts that change a matrix. */
  const stack = (name: string): { us: FloatTensor[]; vs: FloatTensor[]; owners: number[] } => {
    const [m, n] = matrix(name).shape;
    const us: FloatTensor[] = [];
    const vs: FloatTensor[] = [];
    const owners: number[] = [];
    for (const [e, expert] of experts.entries()) {
      const module = expert.module(name);
      if (module === undefined) continue;
      if (module.kind !== 'factored')
        throw new TwinrouteError('shape', `${expert.name}, ${name}: expected factors for a matrix, got a ${module.kind} delta`);
      const rank = module.v.shape[0];
      us.push(expectFloat(module.u, [m, rank], `${expert.name}, U of ${name}`));
      vs.push(expectFloat(module.v, [rank, n], `${expert.name}, V of ${name}`));
      for (let k = 0; k < rank; k++) owners.push(e);
    }
    return { us, vs, owners };
  };

  const makeVector = (name: string): MixedVector => {
    const tensor = shared(name);
    const value = graph.constant(name, 'float32', tensor.shape, () => tensor.data);
    const deltas: FloatTensor[] = [];
    const owners: number[] = [];
    for (const [e, expert] of experts.entries()) {
      const module = expert.module(name);
      if (module === undefined) continue;
      if (module.kind !== 'whole')
        throw new TwinrouteError('shape', `${expert.name}, ${name}: expected a whole delta for a vector, got a ${module.kind} one`);
      deltas.push(expectFloat(module.delta, tensor.shape, `${expert.name}, delta of ${name}`));
      owners.push(e);
    }
    if (owners.length === 0) return { value: () => value, perRequest: false, tensor };
    const rows = graph.constant(`${name}.deltas`, 'float32', [deltas.length, ...tensor.shape], () => concatRows(deltas));
    const delta = graph.node('MatMul', [mixColumns(owners), rows]); // [B, 1, owners] · [owners, m] → [B, 1, m]
    const own = graph.node('Add', [value, delta]);
    return { value: () => own, perRequest: true, tensor };
  };

  return {
    matrix,

    addend(name, { flat, unflatten, spread }, bias) {
      const { us, vs, owners } = stack(name);
      if (owners.length === 0) return undefined;
      const [m, n] = matrix(name).shape;
      const rank = owners.length;
      const up = graph.constant(`${name}.u`, 'float32', [rank, m], () => transpose(concatColumns(us), [m, rank]));
      const down = graph.constant(`${name}.v`, 'float32', [rank, n], () => concatRows(vs));
      const inner = unflatten(graph.node('Gemm', [flat, down], { transB: { int: 1 } }), rank);
      const scaled = graph.node('Flatten', [graph.node('Mul', [inner, spread(mixColumns(owners))])], { axis: { int: 2 } });
      return graph.node('Gemm', [scaled, up, ...(bias === undefined ? [] : [bias.value()])]);
    },

    tableFactors(name, pick) {
      const { us, vs, owners } = stack(name);
      if (owners.length === 0) return undefined;
      const rank = owners.length;
      const v = graph.constant(`${name}.v`, 'float32', [rank, matrix(name).shape[1]], () => concatRows(vs));
      return { rows: graph.node('Mul', [pick(() => concatColumns(us), rank), mixColumns(owners)]), v };
    },

    vector: (name) => vectors(name, () => makeVector(name)),
  };
}
