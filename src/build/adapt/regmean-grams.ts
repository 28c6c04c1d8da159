// What RegMean learns: sums over experts of the Gram matrices of linear layers' inputs. Each expert reads its own texts with its own weights;
// afterwards only the sums remain, so that memory does not grow with the number of experts.
//
// Letters: m × n a weight.

import type * as tfjs from '@tensorflow/tfjs';
import { TwinrouteError } from '../../core/errors.ts';
import type { Matrix } from '../../core/linalg/matrix.ts';
import type { GramMethod } from '../../core/merge/adaptive.ts';
import { regularise, withGrams, type GramSums } from '../../core/merge/regmean.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import { encodeBatch } from '../../model/tfjs-executor.ts';
import type { Tfjs } from '../engine/engine.ts';
import { readTheta } from '../theta.ts';
import type { AdaptDeps, Adapted, AdaptExpert, AdaptInput } from './adapt-input.ts';
import { meanOfInputs } from './input-means.ts';
import { tokenRows } from './token-batches.ts';

/** Texts of each expert, as in the paper's experiments. */
const MAX_TEXTS = 256;

/**
 * Learns what RegMean merges linear layers with.
 * @throws {TwinrouteError} `config` when an expert has no texts
 * Cost: one pass over up to 256 texts an expert; memory one expert in f32, and Σ n² + mn numbers over all linear layers
 */
export async function fitGrams(input: AdaptInput<GramMethod>, deps: AdaptDeps): Promise<Adapted> {
  const { method, experts, parameters } = input;
  const rows = tokenRows(input);
  const sums = new Map<string, GramSums>();
  for (const [t, expert] of experts.entries()) {
    deps.progress({ stage: 'adapt', done: t, total: experts.length, note: `inputs of ${expert.name}` });
    if (rows[t].length === 0) {
      throw new TwinrouteError('config', `models.${expert.name}.examples: expected texts for ${method.name}, got none`, {
        param: `models[${t}].examples`,
      });
    }
    await addExpert(input, deps, expert, rows[t].slice(0, MAX_TEXTS), parameters['off_diagonal'], sums);
  }
  deps.progress({ stage: 'adapt', done: experts.length, total: experts.length });
  const used = experts.map(({ name }, t): [string, number] => [name, Math.min(rows[t].length, MAX_TEXTS)]);
  return {
    methodOf: (parameter) => withGrams(method, sums.get(parameter)),
    learnt: { kind: 'grams', rows: Object.fromEntries(used), layers: sums.size },
  };
}

async function addExpert(
  { model, base }: AdaptInput,
  { engine: { tf, matmul } }: AdaptDeps,
  { source }: AdaptExpert,
  rows: readonly TokenRow[],
  offDiagonal: number,
  sums: Map<string, GramSums>,
): Promise<void> {
  const weights = new Map<string, tfjs.Tensor>();
  for (const { name, shape } of model.parameters)
    weights.set(name, tf.tensor(await readTheta(await base.readFloat(name), source.parameter(name), matmul), [...shape]));
  const grams = collectGrams(tf, model, (name) => expectTensor(weights, name), rows);
  for (const [layer, total] of grams) {
    const name = `${layer}.weight`;
    const weight = expectTensor(weights, name);
    const [m, n] = weight.shape;
    const gram: Matrix = { rows: n, cols: n, data: Float32Array.from(await total.data()) };
    regularise(gram, offDiagonal);
    const theta0 = await base.readFloat(name);
    const vector = Float32Array.from(await weight.data()).map((value, i) => value - theta0.data[i]);
    const moved = await matmul({ rows: m, cols: n, data: vector }, gram);
    const known = sums.get(name);
    if (known === undefined) sums.set(name, { grams: gram, moved });
    else {
      addTo(known.grams.data, gram.data);
      addTo(known.moved.data, moved.data);
    }
  }
  tf.dispose([...weights.values(), ...grams.values()]);
}

/** XᵀX / tokens of each linear layer's inputs, padding left out, by the layer's name. */
function collectGrams(
  tf: Tfjs,
  model: AdaptInput['model'],
  parameter: (name: string) => tfjs.Tensor,
  rows: readonly TokenRow[],
): Map<string, tfjs.Tensor> {
  return meanOfInputs(
    tf,
    rows,
    (inputs, tap) => encodeBatch(tf, model.architecture, model.config, parameter, inputs, { tap }),
    (_, kept) => {
      const x = kept();
      return tf.matMul(tf.transpose(x), x);
    },
  );
}

function expectTensor(weights: ReadonlyMap<string, tfjs.Tensor>, name: string): tfjs.Tensor {
  const weight = weights.get(name);
  if (weight !== undefined) return weight;
  throw new TwinrouteError('internal', `expectTensor: expected the name of a parameter, got ${name}`);
}

function addTo(sum: Float32Array, term: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += term[i];
}
