// From an architecture and its weights to the graph that an origin runs. Inputs `input_ids`, `attention_mask`, `token_type_ids`
// (int64 `[B, T]`) and, with experts, `mix` (f32 `[B, E]`, columns in the experts' order). Outputs `logits` (f32 `[B, C]`, the heads of
// all experts side by side, each whole: heads are never mixed) and `features` (f32 `[B, d]`, the mean over tokens of the last hidden
// states, which the paper's router reads). With gates there is no `mix`: the output `gates` (f32 `[B, P, E]`) tells what each part chose.

import { expectFloat } from '../core/tensor.ts';
import { gateMix, type Gates } from './gate.ts';
import { createGraph, type FloatPrecision, type GraphBuilder, type ValueName } from '../formats/onnx/graph.ts';
import type { Architecture, EncoderInputs, EncoderOutputs } from './architecture.ts';
import { concatRows, transpose } from './matrices.ts';
import { createMixedWeights } from './mixed-weights.ts';
import { createOnnxOps } from './onnx-ops.ts';
import type { Ops } from './ops.ts';
import { padded, type CreateLayout } from './token-layout.ts';
import type { GraphExpert, GraphHead, ReadParameter } from './twin-parameters.ts';

/** What only some models have. */
export interface GraphExtras {
  /** Module whose weight is the sum of the experts'. */
  readonly fade?: GraphExpert | undefined;
  /** Their parameters are read as any other. */
  readonly gates?: Gates | undefined;
  /** f32 when left out. */
  readonly precision?: FloatPrecision | undefined;
}

/**
 * ONNX bytes of the model with factored experts: each request of a batch is answered by `W_s + Σ_e mix[e] · U_e · V_e`, and with a fade F
 * by `W_s + (Σ_e mix[e]) · F + Σ_e mix[e] · U_e · V_e`: to the graph the fade is one more expert, whose weight is the sum of the others'.
 * With gates the modules are those of gated parts alone, each mixed as its own gate says.
 * @param heads output layers in the order of `logits`; without any there is `pooled` instead, what heads read (f32 `[B, d]`)
 * @throws {TwinrouteError} `shape` when a module or head does not fit; `unsupported` when the file would reach 2 GiB
 * Cost: the file's size in memory, and one weight at a time beside it
 */
export function emitTwinGraph<C>(
  architecture: Architecture<C>,
  config: C,
  shared: ReadParameter,
  experts: readonly GraphExpert[],
  heads: readonly GraphHead[],
  { fade, gates, precision }: GraphExtras = {},
): Uint8Array {
  const graph = createGraph(architecture.type, precision);
  emitInto(graph, architecture, config, shared, experts, heads, { fade, gates });
  return graph.encode(experts.length === 0 ? {} : { experts: experts.map((expert) => expert.name).join(' ') });
}

/** The nodes of `emitTwinGraph` in a graph of the caller's. */
export function emitInto<C>(
  graph: GraphBuilder,
  architecture: Architecture<C>,
  config: C,
  shared: ReadParameter,
  experts: readonly GraphExpert[],
  heads: readonly GraphHead[],
  { fade, gates, layout: createLayout = padded }: GraphExtras & { readonly layout?: CreateLayout } = {},
): void {
  const layout = createLayout(graph);
  const { inputs } = layout;
  const mix = experts.length === 0 || gates !== undefined ? undefined : graph.input('mix', 'float32', ['batch', experts.length]);
  const fades = fade !== undefined && mix !== undefined;
  const weights = fades ? graph.node('Concat', [mix, graph.node('ReduceSum', [mix, graph.ints([1])])], { axis: { int: 1 } }) : mix; // [B, E + 1]
  const flat = (value: ValueName): ValueName => squeeze(graph, value);
  const chosen: ValueName[] = [];
  const gated = (part: string, x: ValueName, tokens: ValueName): Ops<ValueName> => {
    if (gates === undefined) return ops;
    const own = gateMix(ops, gates, part, x, tokens); // [B, 1, E]
    chosen.push(own);
    return createOnnxOps(graph, layout, createMixedWeights(graph, shared, experts, flat(own)));
  };
  const mixed = gates !== undefined ? [] : fades ? [...experts, fade] : experts;
  const ops: Ops<ValueName> = createOnnxOps(graph, layout, createMixedWeights(graph, shared, mixed, weights), gated);
  const encoded = architecture.encode(ops, config, inputs);
  const width = architecture.width(config);
  if (heads.length > 0) {
    const classes = heads.reduce((sum, head) => sum + head.bias.data.length, 0);
    for (const [i, { weight, bias }] of heads.entries()) expectFloat(weight, [bias.data.length, width], `head ${i}`);
    const weight = graph.constant('heads.weight', 'float32', [width, classes], () =>
      transpose(concatRows(heads.map((head) => head.weight)), [classes, width]),
    );
    const bias = graph.constant('heads.bias', 'float32', [classes], () => concatRows(heads.map((head) => head.bias)));
    graph.output('logits', flat(graph.node('Add', [graph.node('MatMul', [encoded.pooled, weight]), bias])), 'float32', ['batch', classes]);
  }
  if (gates !== undefined) {
    const all = graph.node('Concat', chosen, { axis: { int: 1 } });
    graph.output('gates', all, 'float32', ['batch', chosen.length, experts.length]);
  }
  if (heads.length > 0) outputFeatures(graph, ops, encoded, inputs, width);
  else outputEncoder(graph, ops, encoded, inputs, width);
}

/** The outputs of an encoder without heads: `pooled`, what heads read, and `features`, each f32 `[B, d]`. */
export function outputEncoder(
  graph: GraphBuilder,
  ops: Ops<ValueName>,
  encoded: EncoderOutputs<ValueName>,
  inputs: EncoderInputs<ValueName>,
  width: number,
): void {
  graph.output('pooled', squeeze(graph, encoded.pooled), 'float32', ['batch', width]);
  outputFeatures(graph, ops, encoded, inputs, width);
}

function outputFeatures(
  graph: GraphBuilder,
  ops: Ops<ValueName>,
  { hidden }: EncoderOutputs<ValueName>,
  { mask }: EncoderInputs<ValueName>,
  width: number,
): void {
  graph.output('features', squeeze(graph, ops.meanTokens(hidden, mask)), 'float32', ['batch', width]);
}

/** `[B, 1, d]` as `[B, d]`. */
function squeeze(graph: GraphBuilder, value: ValueName): ValueName {
  return graph.node('Squeeze', [value, graph.ints([1])]);
}

/** ONNX bytes of the model alone: the same graph without experts, for folded models and for the shared model's features. */
export function emitPlainGraph<C>(
  architecture: Architecture<C>,
  config: C,
  parameters: ReadParameter,
  heads: readonly GraphHead[],
): Uint8Array {
  return emitTwinGraph(architecture, config, parameters, [], heads);
}
