// The ONNX interpreter of `Ops`: values are names in a graph, operators are nodes. Whether a parameter is the same for all requests or
// mixed for each is MixedWeights' business; here it only decides between a plain product and one with factors beside it.
//
// Letters: B batch, T tokens, d hidden width, h attention heads, R ranks added up.

import type { GraphBuilder, ValueName } from '../formats/onnx/graph.ts';
import { transpose } from './matrices.ts';
import type { FactorStack, MixedWeights, TableStack } from './mixed-weights.ts';
import type { Ops } from './ops.ts';

/** The operators of a part with a gate; undefined where the model has none. */
export type GatedOps = Ops<ValueName>['gated'];

/** Added to the score of a token that is not attended to: far below any score, far inside f32. */
const MASKED_SCORE = -1e9;

/** The operators over a graph. */
export function createOnnxOps(graph: GraphBuilder, weights: MixedWeights, gated?: GatedOps): Ops<ValueName> {
  const { node, ints, scalar } = graph;
  const memo = new Map<string, ValueName>();
  /** A value derived from an input once a graph, not once a layer. */
  const once = (key: string, make: () => ValueName): ValueName => {
    const value = memo.get(key) ?? make();
    memo.set(key, value);
    return value;
  };
  const floatMask = (mask: ValueName): ValueName => once(`float ${mask}`, () => node('Cast', [mask], { to: { int: 1 } }));
  const maskBias = (mask: ValueName): ValueName =>
    once(`bias ${mask}`, () => {
      const masked = node('Sub', [scalar(1), floatMask(mask)]);
      return node('Unsqueeze', [node('Mul', [masked, scalar(MASKED_SCORE)]), ints([1, 2])]); // [B, 1, 1, T]
    });

  /** `[B, T, …]` as `[B · T, …]`, and the way back. Neither copies. */
  const flatten = (x: ValueName): ValueName => once(`flat ${x}`, () => node('Flatten', [x], { axis: { int: 2 } }));
  const unflatten = (flat: ValueName, x: ValueName): ValueName => {
    const shape = once(`shape ${x}`, () => {
      const extents = node('Shape', [x], { start: { int: 0 }, end: { int: 2 } });
      return node('Concat', [extents, ints([-1])], { axis: { int: 0 } });
    });
    return node('Reshape', [flat, shape]);
  };
  /** What experts add to the picked rows of a table. */
  const withFactors = (rows: ValueName, factors: TableStack | undefined): ValueName =>
    factors === undefined ? rows : node('Add', [rows, node('MatMul', [factors.rows, factors.v])]);

  /** `(x · Vᵀ ⊙ weights) · Uᵀ + addend`, `[B · T, m]`. */
  const thin = (flat: ValueName, x: ValueName, { up, down, weights: columns }: FactorStack, addend: readonly ValueName[]): ValueName => {
    const inner = unflatten(node('Gemm', [flat, down], { transB: { int: 1 } }), x); // [B, T, R]
    return node('Gemm', [node('Flatten', [node('Mul', [inner, columns])], { axis: { int: 2 } }), up, ...addend]);
  };

  const ops: Ops<ValueName> = {
    embed(name, ids) {
      const parameter = `${name}.weight`;
      const table = weights.matrix(parameter);
      const rows = node('Gather', [graph.constant(parameter, 'float32', table.shape, () => table.data), ids]);
      return withFactors(
        rows,
        weights.tableFactors(
          parameter,
          (data, rank) => node('Gather', [graph.constant(`${parameter}.u`, 'float32', [table.shape[0], rank], data), ids]),
          ids,
        ),
      );
    },

    embedPositions(name, ids) {
      const parameter = `${name}.weight`;
      const table = weights.matrix(parameter);
      const length = once(`length ${ids}`, () => node('Shape', [ids], { start: { int: 1 }, end: { int: 2 } })); // [1]
      const head = (rows: ValueName): ValueName => node('Slice', [rows, ints([0]), length, ints([1])]); // [1, T, …]
      const rows = head(graph.constant(parameter, 'float32', [1, ...table.shape], () => table.data));
      return withFactors(
        rows,
        weights.tableFactors(
          parameter,
          (data, rank) => head(graph.constant(`${parameter}.u`, 'float32', [1, table.shape[0], rank], data)),
          'positions',
        ),
      );
    },

    // One Gemm: its addend is the bias, or what the factors give with the bias as the addend of theirs. An addend costs nothing that a bias does not,
    // while sums after the products would each be a pass over `[B, T, m]`.
    linear(name, x) {
      const parameter = `${name}.weight`;
      const matrix = weights.matrix(parameter);
      const [m, n] = matrix.shape;
      // A gate of all parts is asked more than once.
      const transposed = once(parameter, () => graph.constant(parameter, 'float32', [n, m], () => transpose(matrix.data, matrix.shape)));
      const factors = weights.factors(parameter);
      const bias = weights.vector(`${name}.bias`);
      const flat = flatten(x);
      const addend = bias.perRequest ? [] : [bias.value];
      const product = node('Gemm', [flat, transposed, ...(factors === undefined ? addend : [thin(flat, x, factors, addend)])]);
      const shaped = unflatten(product, x);
      return bias.perRequest ? node('Add', [shaped, bias.value]) : shaped;
    },

    // A request's own scale or shift comes after a plain normalisation: the standard knows only those of a row's shape, and so does WebGPU.
    layerNorm(name, x, epsilon) {
      const [scale, shift] = [weights.vector(`${name}.weight`), weights.vector(`${name}.bias`)];
      const normalise = (by: readonly ValueName[]): ValueName =>
        node('LayerNormalization', [x, ...by], { axis: { int: -1 }, epsilon: { float: epsilon } });
      if (!scale.perRequest && !shift.perRequest) return normalise([scale.value, shift.value]);
      const ones = (): ValueName => graph.constant(`${name}.ones`, 'float32', [scale.length], () => new Float32Array(scale.length).fill(1));
      const scaled = scale.perRequest ? node('Mul', [normalise([ones()]), scale.value]) : normalise([scale.value]);
      return node('Add', [scaled, shift.value]);
    },

    // Standard operators: onnxruntime's own MultiHeadAttention was no faster on CPU (113 against 111 ms for 16 rows of 32 tokens through six
    // layers of width 384, one core, November 2026), and other engines lack it.
    attention(q, k, v, mask, { heads, scale }) {
      const split = (x: ValueName, axes: readonly number[]): ValueName =>
        node('Transpose', [node('Reshape', [x, ints([0, 0, heads, -1])])], { perm: { ints: axes } });
      const scores = node('Mul', [node('MatMul', [split(q, [0, 2, 1, 3]), split(k, [0, 2, 3, 1])]), scalar(scale)]); // [B, h, T, T]
      const shares = node('Softmax', [node('Add', [scores, maskBias(mask)])], { axis: { int: -1 } });
      const mixed = node('MatMul', [shares, split(v, [0, 2, 1, 3])]); // [B, h, T, d / h]
      return node('Reshape', [node('Transpose', [mixed], { perm: { ints: [0, 2, 1, 3] } }), ints([0, 0, -1])]);
    },

    add: (a, b) => node('Add', [a, b]),
    gelu: (x) => node('Gelu', [x]),
    relu: (x) => node('Relu', [x]),
    tanh: (x) => node('Tanh', [x]),
    firstToken: (x) => node('Slice', [x, ints([0]), ints([1]), ints([1])]),

    meanTokens(x, mask) {
      const row = once(`row ${mask}`, () => node('Unsqueeze', [floatMask(mask), ints([1])])); // [B, 1, T]
      const count = node('Max', [node('ReduceSum', [row, ints([2])]), scalar(1)]); // [B, 1, 1]
      return node('Div', [node('MatMul', [row, x]), count]);
    },

    gated: gated ?? (() => ops),
  };
  return ops;
}
