// One inference: rows through the batcher, twice when the origin routes, and the outputs as tensors.

import { TwinrouteError } from '../core/errors.ts';
import { argmax } from '../core/routing/score.ts';
import type { BatchAnswer, SubmitOptions } from './batcher.ts';
import type { InferInputs, InferRow } from './infer-inputs.ts';
import { widestHead } from './model-metadata.ts';
import type { ServedModel } from './model-table.ts';
import type { OutputTensor } from './oip-tensors.ts';
import { headRange, type Predictor, type PredictorOutput, type RoutedRow } from './predictor.ts';

/** Outputs of an inference, and where its time went. */
export interface InferResult {
  readonly outputs: readonly OutputTensor[];
  /** What was merged for each row, weights other than 0 by expert: its mix, or what the model's gates made of it. */
  readonly mixes: readonly Readonly<Record<string, number>>[];
  /** Of all rows together. */
  readonly tokens: number;
  readonly queueMs: number;
  readonly computeMs: number;
}

/** A row that has run. */
interface DoneRow {
  readonly row: InferRow;
  readonly head: number;
  readonly logits: Float32Array;
  readonly gates: Float32Array | undefined;
}

/**
 * Runs the rows.
 * @throws {TwinrouteError} what `Batcher.submit` throws
 */
export async function infer(model: ServedModel, { rows, route }: InferInputs, options: SubmitOptions): Promise<InferResult> {
  const tokens = rows.reduce((sum, { encoded }) => sum + encoded.ids.length, 0);
  if (route === undefined) {
    const { outputs, queueMs, computeMs } = await model.batcher.submit(
      rows.map(({ encoded, mix }) => ({ ...encoded, mix })),
      options,
    );
    const done = rows.map((row, i) => ({ row, head: row.head ?? argmax(row.mix), logits: outputs[i].logits, gates: outputs[i].gates }));
    return {
      outputs: describe(model, done),
      mixes: done.map(({ row, gates }) => mergedMix(model.predictor, row.mix, gates)),
      tokens,
      queueMs,
      computeMs,
    };
  }
  const { routed, outputs, queueMs, computeMs } = await inferRouted(model, rows, route.topK, options);
  const done = rows.map((row, i) => ({
    row,
    head: row.head ?? argmax(isEmpty(routed[i].mix) ? routed[i].scores : routed[i].mix),
    logits: outputs[i].logits,
    gates: outputs[i].gates,
  }));
  return {
    outputs: [
      ...describe(model, done),
      stacked(
        'mix',
        routed.map(({ mix }) => mix),
      ),
      stacked(
        'router_scores',
        routed.map(({ scores }) => scores),
      ),
    ],
    mixes: routed.map(({ mix }, i) => mergedMix(model.predictor, mix, done[i].gates)),
    tokens,
    queueMs,
    computeMs,
  };
}

/**
 * Two passes: the shared model alone gives the features that the router reads, then the rows run with their mixes. A row on which the
 * router abstains has its answer after the first pass.
 */
async function inferRouted(
  { predictor, batcher }: ServedModel,
  rows: readonly InferRow[],
  topK: number | undefined,
  options: SubmitOptions,
): Promise<BatchAnswer<PredictorOutput> & { routed: readonly RoutedRow[] }> {
  const first = await batcher.submit(
    rows.map(({ encoded }) => ({ ...encoded, mix: new Float32Array(predictor.experts.length) })),
    options,
  );
  const routed = await predictor.route?.(
    first.outputs.map(({ features }) => features),
    topK,
  );
  if (routed === undefined) throw new TwinrouteError('internal', `infer: expected an origin router in ${predictor.name}`);
  const mixed = rows.flatMap((_, i) => (isEmpty(routed[i].mix) ? [] : [i]));
  const second = await batcher.submit(
    mixed.map((i) => ({ ...rows[i].encoded, mix: routed[i].mix })),
    options,
  );
  const outputs = [...first.outputs];
  for (const [k, i] of mixed.entries()) outputs[i] = second.outputs[k];
  return { routed, outputs, queueMs: first.queueMs + second.queueMs, computeMs: first.computeMs + second.computeMs };
}

function describe({ predictor }: ServedModel, done: readonly DoneRow[]): readonly OutputTensor[] {
  const { experts } = predictor;
  const width = widestHead(predictor);
  const logits = new Float32Array(done.length * width);
  const labels = done.map((row, i) => {
    const own = row.logits.subarray(...headRange(experts, row.head));
    logits.set(own, i * width);
    const { problem, labels } = experts[row.head];
    return problem === 'classification' ? labels[argmax(own)] : '';
  });
  const shape = [done.length];
  const gates = done.flatMap(({ gates: own }) => (own === undefined ? [] : [own]));
  return [
    { name: 'logits', datatype: 'FP32', shape: [done.length, width], values: logits },
    { name: 'classes', datatype: 'INT32', shape, values: Int32Array.from(done, ({ head }) => experts[head].labels.length) },
    { name: 'label', datatype: 'BYTES', shape, values: labels },
    { name: 'head', datatype: 'BYTES', shape, values: done.map(({ head }) => experts[head].name) },
    { name: 'tokens', datatype: 'INT32', shape, values: Int32Array.from(done, ({ row }) => row.encoded.ids.length) },
    { name: 'truncated', datatype: 'BOOL', shape, values: done.map(({ row }) => row.encoded.truncated) },
    ...(gates.length === 0 ? [] : [stacked('gates', gates)]),
  ];
}

/** Vectors of one length as a tensor. */
function stacked(name: string, vectors: readonly Float32Array[]): OutputTensor {
  const width = vectors[0].length;
  const values = new Float32Array(vectors.length * width);
  for (const [i, vector] of vectors.entries()) values.set(vector, i * width);
  return { name, datatype: 'FP32', shape: [vectors.length, width], values };
}

function isEmpty(mix: Float32Array): boolean {
  return mix.every((weight) => weight === 0);
}

function mergedMix({ experts, gated }: Predictor, mix: Float32Array, gates: Float32Array | undefined): Record<string, number> {
  const names = gates !== undefined && gated !== undefined ? gated : experts.map(({ name }) => name);
  const weights = gates ?? mix;
  return Object.fromEntries(names.flatMap((name, i) => (weights[i] === 0 ? [] : [[name, weights[i]]])));
}
