// One inference: rows through the batcher, twice when the origin routes, and the outputs as tensors.

import { TwinrouteError } from '../core/errors.ts';
import { argmax } from '../core/routing/score.ts';
import { answerTensors, widestHead } from '../formats/oip/model.ts';
import { stacked, type OutputTensor } from '../formats/oip/tensors.ts';
import type { BatchAnswer, SubmitOptions } from './batcher.ts';
import type { InferInputs, InferRow } from './infer-inputs.ts';
import type { ServedModel } from './model-table.ts';
import type { Predictor, PredictorOutput, RoutedRow } from './predictor.ts';

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
  /** Of its head, `[C]`. */
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
    await prepare(
      model.predictor,
      rows.map(({ mix, head }) => ({ mix, head: head ?? argmax(mix) })),
    );
    const { outputs, queueMs, computeMs } = await model.batcher.submit(
      rows.map(({ encoded, mix }) => ({ ...encoded, mix })),
      options,
    );
    const done = rows.map((row, i) => toDone(row, row.head ?? argmax(row.mix), outputs[i]));
    return {
      outputs: describe(model, done),
      mixes: done.map(({ row, gates }) => mergedMix(model.predictor, row.mix, gates)),
      tokens,
      queueMs,
      computeMs,
    };
  }
  const { routed, outputs, queueMs, computeMs } = await inferRouted(model, rows, route.topK, options);
  const done = rows.map((row, i) => toDone(row, headOf(row, routed[i]), outputs[i]));
  return {
    outputs: [
      ...describe(model, done),
      stacked(
        'mix',
        routed.map(({ mix }) => mix),
        model.predictor.experts.length,
      ),
      stacked(
        'router_scores',
        routed.map(({ scores }) => scores),
        model.predictor.experts.length,
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
  await prepare(
    predictor,
    rows.map((row, i) => ({ mix: routed[i].mix, head: headOf(row, routed[i]) })),
  );
  const second = await batcher.submit(
    mixed.map((i) => ({ ...rows[i].encoded, mix: routed[i].mix })),
    options,
  );
  const outputs = [...first.outputs];
  for (const [k, i] of mixed.entries()) outputs[i] = second.outputs[k];
  return { routed, outputs, queueMs: first.queueMs + second.queueMs, computeMs: first.computeMs + second.computeMs };
}

/** Experts come into memory before their rows wait for a run, so that a run waits for none. */
async function prepare(predictor: Predictor, rows: readonly { readonly mix: Float32Array; readonly head: number }[]): Promise<void> {
  const { prepare: bring } = predictor;
  if (bring !== undefined) await Promise.all(rows.map(({ mix, head }) => bring(mix, head)));
}

/** The head that answers a routed row. */
function headOf(row: InferRow, { mix, scores }: RoutedRow): number {
  return row.head ?? argmax(isEmpty(mix) ? scores : mix);
}

function toDone(row: InferRow, head: number, { logits, gates }: PredictorOutput): DoneRow {
  return { row, head, logits: logits(head), gates };
}

function describe({ predictor }: ServedModel, done: readonly DoneRow[]): readonly OutputTensor[] {
  const { experts } = predictor;
  const rows = done.map(({ row: { encoded }, head, logits }) => {
    const { name, labels, problem } = experts[head];
    const label = problem === 'classification' ? labels[argmax(logits)] : '';
    return { head: name, logits, label, tokens: encoded.ids.length, truncated: encoded.truncated };
  });
  const gates = done.flatMap(({ gates: own }) => (own === undefined ? [] : [own]));
  const weights = gates.length === 0 ? [] : [stacked('gates', gates, gates[0].length)];
  return [...answerTensors(rows, widestHead(experts)), ...weights];
}

function isEmpty(mix: Float32Array): boolean {
  return mix.every((weight) => weight === 0);
}

function mergedMix({ experts, gated }: Predictor, mix: Float32Array, gates: Float32Array | undefined): Record<string, number> {
  const names = gates !== undefined && gated !== undefined ? gated : experts.map(({ name }) => name);
  const weights = gates ?? mix;
  return Object.fromEntries(names.flatMap((name, i) => (weights[i] === 0 ? [] : [[name, weights[i]]])));
}
