// The materialised way to serve mixes: weights are merged for each mix that occurs and kept for the next time. Any method that can say its weights for
// a mix can be served so, and a hot mix costs no more than a plain model; a batch of many unlike mixes costs a run for each of them.
//
// Letters: B rows, E experts.

import { quantiseMix } from '../core/quantise-mix.ts';
import { TwinrouteError } from '../core/errors.ts';
import { expectFloat, floatTensor, type FloatTensor, type Tensor } from '../core/tensor.ts';
import type { Session } from './session.ts';

/** Merged weights as inputs of a graph, by name. */
export type WeightInputs = Readonly<Record<string, FloatTensor>>;

/** What a merged session is made of. */
export interface MergedSessionOptions {
  /** A graph whose inputs are the encoder's and the weights, once for each instance. */
  readonly sessions: readonly Session[];
  /** Merged weights of a mix `[E]`, fresh. */
  readonly merge: (mix: Float32Array) => Promise<WeightInputs>;
  /** Bytes of merged weights that are kept; those of the newest mix always are. */
  readonly cacheBytes: number;
}

/** Mixes are rounded to this many steps, since soft weights hardly ever occur twice; within 0.2 % of each weight's range. */
const STEPS = 256;

/**
 * For each session one with the inputs and outputs of the factored graph: the encoder's and `mix [B, E]`. Rows are grouped by their rounded mix, each group
 * is run with its own weights, and the outputs come in the order of the rows. Merged weights are kept for all of them. Each owns
 * its `session`.
 * Cost: one run for each distinct mix of a batch; one merge for each that is not kept
 */
export function createMergedSessions({ sessions, merge, cacheBytes }: MergedSessionOptions): readonly Session[] {
  // In order of use, the least recent first.
  const kept = new Map<string, WeightInputs>();
  let keptBytes = 0;

  const weightsOf = async (steps: Int32Array): Promise<WeightInputs> => {
    const key = steps.join(' ');
    const known = kept.get(key);
    const weights = known ?? (await merge(Float32Array.from(steps, (step) => step / STEPS)));
    if (kept.delete(key)) keptBytes -= bytesOf(weights);
    kept.set(key, weights);
    keptBytes += bytesOf(weights);
    for (const [oldest, tensors] of kept) {
      if (keptBytes <= cacheBytes || oldest === key) break;
      kept.delete(oldest);
      keptBytes -= bytesOf(tensors);
    }
    return weights;
  };

  return sessions.map((session) => ({
    async run({ mix, ...feeds }) {
      const [batch, experts] = mix.shape;
      const { data } = expectFloat(mix, [batch, experts], 'mix');
      const groups = new Map<string, { readonly steps: Int32Array; readonly rows: number[] }>();
      for (let row = 0; row < batch; row++) {
        const steps = quantiseMix(data.subarray(row * experts, (row + 1) * experts), STEPS);
        const key = steps.join(' ');
        const group = groups.get(key) ?? { steps, rows: [] };
        group.rows.push(row);
        groups.set(key, group);
      }
      const outputs: Record<string, FloatTensor> = {};
      for (const { steps, rows } of groups.values()) {
        const own = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, takeRows(tensor, rows)]));
        const results = await session.run({ ...own, ...(await weightsOf(steps)) });
        for (const [name, result] of Object.entries(results)) putRows(outputs, name, expectFloat(result, result.shape, name), rows, batch);
      }
      return outputs;
    },
    release: () => session.release(),
  }));
}

function bytesOf(weights: WeightInputs): number {
  return Object.values(weights).reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** Rows of an int64 tensor `[B, …]`. */
function takeRows({ dtype, shape, data }: Tensor, rows: readonly number[]): Tensor {
  if (dtype !== 'int64') throw new TwinrouteError('shape', `merged session: expected int64 inputs, got ${dtype}`);
  const width = data.length / shape[0];
  const taken = new BigInt64Array(rows.length * width);
  for (const [i, row] of rows.entries()) taken.set(data.subarray(row * width, (row + 1) * width), i * width);
  return { dtype, shape: [rows.length, ...shape.slice(1)], data: taken };
}

/** Puts a group's rows where they belong in the output of the whole batch. */
function putRows(
  outputs: Record<string, FloatTensor>,
  name: string,
  { shape, data }: FloatTensor,
  rows: readonly number[],
  batch: number,
): void {
  const width = data.length / rows.length;
  outputs[name] ??= floatTensor([batch, ...shape.slice(1)], new Float32Array(batch * width));
  for (const [i, row] of rows.entries()) outputs[name].data.set(data.subarray(i * width, (i + 1) * width), row * width);
}
