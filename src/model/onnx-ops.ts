// The ONNX interpreter of `Ops`: values are names in a graph, operators are nodes. Whether a parameter is the same for all requests or
// mixed for each is MixedWeights' business; here it only decides between a plain product and one with factors beside it.
//
// Letters: B batch, T tokens, d hidden width, h attention heads, R ranks added up. Hidden values are `[B, T, d]`, or `[1, N, d]` where the layout packs.

import { onceEach } from '../core/once.ts';
import type { GraphBuilder, ValueName } from '../formats/onnx/graph.ts';
import { transpose } from './matrices.ts';
import type { LayerInput, MixedVector, MixedWeights, TableStack } from './mixed-weights.ts';
import type { Ops } from './ops.ts';
import type { TokenLayout } from './token-layout.ts';

/** The operators of a part with a gate; undefined where the model has none. */
export type GatedOps = Ops<ValueName>['gated'];

/** Added to the score of a token that is not attended to: far below any score, far inside f32. */
const MASKED_SCORE = -1e9;

/** The operators over a graph. */
export function createOnnxOps(graph: GraphBuilder, layout: TokenLayout, weights: MixedWeights, gated?: GatedOps): Ops<ValueName> {
  const { node, ints, scalar } = graph;
  /** A value derived from an input once a graph, not once a layer. */
  const once = onceEach<ValueName>();
  const floatMask = (mask: ValueName): ValueName => once(`float ${mask}`, () => node('Cast', [mask], { to: { int: 1 } }));
  const maskBias = (mask: ValueName): ValueName =>
    once(`bias ${mask}`, () => {
      const masked = node('Sub', [scalar(1), floatMask(mask)]);
      return node('Unsqueeze', [node('Mul', [masked, scalar(MASKED_SCORE)]), ints([1, 2])]); // [B, 1, 1, T]
    });

  /** Values that have one vector a row instead of one a token. */
  const vectors = new Set<ValueName>();
  /** `[B, T, …]` as `[B · T, …]`, and the way back. Neither copies. */
  const flatten = (x: ValueName): ValueName => once(`flat ${x}`, () => node('Flatten', [x], { axis: { int: 2 } }));
  const unflatten = (flat: ValueName, x: ValueName, width: number): ValueName =>
    vectors.has(x) ? node('Reshape', [flat, ints([-1, 1, width])]) : layout.unflatten(flat, x, width);
  const alike = (x: ValueName, value: ValueName): ValueName => {
    if (vectors.has(x)) vectors.add(value);
    return value;
  };
  /** What each request brings of its own, `[B, 1, …]`, for the tokens or vectors of x. */
  const ownOf = (x: ValueName, own: ValueName): ValueName => (vectors.has(x) ? own : once(`spread ${own}`, () => layout.spread(own)));
  const vectorOf = (name: string, x: ValueName): MixedVector => {
    const vector = weights.vector(name);
    return vector.perRequest ? { ...vector, value: () => ownOf(x, vector.value()) } : vector;
  };
  /** What experts add to the picked rows of a table. */
  const withFactors = (rows: ValueName, factors: TableStack | undefined): ValueName =>
    factors === undefined ? rows : node('Add', [rows, node('MatMul', [factors.rows, factors.v])]);

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

    embedPositions(name) {
      const parameter = `${name}.weight`;
      const table = weights.matrix(parameter);
      const rows = layout.positions(graph.constant(parameter, 'float32', table.shape, () => table.data));
      return withFactors(
        rows,
        weights.tableFactors(
          parameter,
          (data, rank) => layout.positions(graph.constant(`${parameter}.u`, 'float32', [table.shape[0], rank], data)),
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
      const bias = vectorOf(`${name}.bias`, x);
      const shared = bias.perRequest ? undefined : bias;
      const flat = flatten(x);
      const input: LayerInput = {
        flat,
        per: vectors.has(x) ? 'row' : 'token',
        unflatten: (value, width) => unflatten(value, x, width),
        spread: (own) => ownOf(x, own),
      };
      const addend = weights.addend(parameter, input, shared) ?? shared?.value();
      const shaped = unflatten(node('Gemm', [flat, transposed, ...(addend === undefined ? [] : [addend])]), x, m);
      return alike(x, bias.perRequest ? node('Add', [shaped, bias.value()]) : shaped);
    },

    // A request's own scale or shift comes after a plain normalisation: the standard knows only those of a row's shape, and so does WebGPU.
    layerNorm(name, x, epsilon) {
      const [scale, shift] = [vectorOf(`${name}.weight`, x), vectorOf(`${name}.bias`, x)];
      const normalise = (by: readonly ValueName[]): ValueName =>
        node('LayerNormalization', [x, ...by], { axis: { int: -1 }, epsilon: { float: epsilon } });
      if (!scale.perRequest && !shift.perRequest) return alike(x, normalise([scale.value(), shift.value()]));
      const ones = (): ValueName =>
        graph.constant(`${name}.ones`, 'float32', [scale.tensor.data.length], () => new Float32Array(scale.tensor.data.length).fill(1));
      const scaled = scale.perRequest ? node('Mul', [normalise([ones()]), scale.value()]) : normalise([scale.value()]);
      return alike(x, node('Add', [scaled, shift.value()]));
    },

    // Standard operators: onnxruntime's own MultiHeadAttention was no faster on CPU (113 against 111 ms for 16 rows of 32 tokens through six
    // layers of width 384, one core, November 2026), and other engines lack it.
    attention(q, k, v, _, { heads, scale }) {
      const parts = layout.groups.map(({ mask, toHeads }) => {
        const keys = node('Transpose', [toHeads(k, heads)], { perm: { ints: [0, 1, 3, 2] } });
        const scores = node('Mul', [node('MatMul', [toHeads(q, heads), keys]), scalar(scale)]); // [B, h, T, T]
        const shares = node('Softmax', [node('Add', [scores, maskBias(mask)])], { axis: { int: -1 } });
        return node('MatMul', [shares, toHeads(v, heads)]);
      });
      return layout.fromHeads(parts, heads);
    },

    add: (a, b) => alike(a, node('Add', [a, b])),
    gelu: (x) => alike(x, node('Gelu', [x])),
    relu: (x) => alike(x, node('Relu', [x])),
    tanh: (x) => alike(x, node('Tanh', [x])),
    firstToken(x) {
      const first = layout.firstToken(x);
      vectors.add(first);
      return first;
    },

    meanTokens(x, mask) {
      const row = once(`row ${mask}`, () => node('Unsqueeze', [floatMask(mask), ints([1])])); // [B, 1, T]
      const count = node('Max', [node('ReduceSum', [row, ints([2])]), scalar(1)]); // [B, 1, 1]
      const mean = node('Div', [node('MatMul', [row, layout.toRows(x)]), count]);
      vectors.add(mean);
      return mean;
    },

    gated: gated ?? (() => ops),
  };
  return ops;
}
