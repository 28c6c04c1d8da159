// An encoder with gates on the engine: shared model and modules as a pack stores them, factored, and the gates' parameters as the numbers that
// can be learnt.
//
// Letters: E experts, m × n a matrix, R the ranks of all experts' modules of one added up.

import type * as tfjs from '@tensorflow/tfjs';
import { TwinrouteError } from '../../core/errors.ts';
import { floatTensor, sizeOf, type FloatTensor } from '../../core/tensor.ts';
import type { LoadedExpert, LoadedModule } from '../../formats/expert-file.ts';
import type { EncoderInputs } from '../../model/architecture.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import { gateParameters, isFirstLayer, type Gates } from '../../model/gate.ts';
import { concatColumns, concatRows } from '../../model/matrices.ts';
import type { OpenArchitecture } from '../../model/registry.ts';
import { encodeBatch, type GatedExperts, type GatedFactors, type LinearTap } from '../../model/tfjs-executor.ts';
import type { Tfjs } from '../engine/engine.ts';
import type { Learnable } from './descend.ts';
import { entropyGradients, meanEntropy, PASS_TOKENS, type Pool } from './entropy.ts';
import { cutBatches, tokenBatch } from './token-batches.ts';

/** What of a pack the gates stand on. */
export interface GatedModel {
  readonly model: OpenArchitecture;
  readonly gates: Gates;
  readonly shared: ReadonlyMap<string, FloatTensor>;
  readonly experts: readonly Pick<LoadedExpert, 'modules'>[];
}

/** A model with gates that can be tried at any gates. */
export interface GatedEncoder extends Learnable {
  /** What gates answer to states as they are, from what they answer to centred ones. */
  folded(values: readonly number[]): number[];
}

/**
 * Puts a model with gates on the engine. Its numbers are the gates' parameters, one after another as `gateParameters` lists them, but over
 * states less their mean over `rows`: most of a state is alike in all texts, and learning would turn up all experts for all texts long before
 * it tells texts apart. `folded` puts the mean into the biases, so that gates are what they are without it.
 * @param start gates under which the mean is taken
 * Cost: the shared model and the experts' factors in f32, twice; one pass over `rows`
 */
export async function createGatedEncoder(
  tf: Tfjs,
  { model, gates, shared, experts }: GatedModel,
  { start, rows, diversity }: { readonly start: readonly number[]; readonly rows: readonly TokenRow[]; readonly diversity: number },
): Promise<GatedEncoder> {
  const { architecture, config } = model;
  const toTf = ({ data, shape }: FloatTensor): tfjs.Tensor => tf.tensor(data, [...shape]);
  const fixed = new Map([...shared].map(([name, tensor]) => [name, toTf(tensor)]));
  const transposes = new Map(
    [...fixed].flatMap(([name, tensor]): [string, tfjs.Tensor][] =>
      tensor.rank === 2 && !name.startsWith('embeddings.') ? [[name, tf.transpose(tensor)]] : [],
    ),
  );
  const gated = putExperts(
    tf,
    architecture.parts(config).flatMap(({ parameters }) => parameters),
    gates,
    experts,
  );
  const specs = gateParameters(model, gates, experts.length);
  const places = new Map(specs.map(({ name }, place) => [name, place]));
  const sizes = new Map(specs.map(({ name, shape }) => [name, sizeOf(shape)]));

  const cut = (values: readonly number[]): tfjs.Tensor[] => {
    let start = 0;
    return specs.map(({ shape }) => {
      const end = start + sizeOf(shape);
      const tensor = tf.tensor(Float32Array.from(values.slice(start, end)), [...shape]);
      start = end;
      return tensor;
    });
  };
  const encode = (own: readonly tfjs.Tensor[], inputs: EncoderInputs<tfjs.Tensor>, tap?: LinearTap): tfjs.Tensor => {
    const read = (name: string): tfjs.Tensor => {
      const place = places.get(name);
      const tensor = place === undefined ? fixed.get(name) : own[place];
      if (tensor !== undefined) return tensor;
      throw new TwinrouteError('internal', `createGatedEncoder: expected the name of a parameter, got ${name}`);
    };
    const parameter = (name: string): tfjs.Tensor => {
      const layer = name.endsWith('.bias') ? name.slice(0, -'.bias'.length) : '';
      const centre = centres.get(layer); // [d, 1]
      return centre === undefined ? read(name) : tf.sub(read(name), tf.squeeze(tf.matMul(read(`${layer}.weight`), centre), [1]));
    };
    return encodeBatch(tf, architecture, config, parameter, inputs, {
      ...(tap !== undefined && { tap }),
      experts: gated.experts,
      transposed: (name) => transposes.get(name),
    }).pooled;
  };
  const poolOf =
    (own: readonly tfjs.Tensor[]): Pool =>
    (inputs) =>
      encode(own, inputs);
  const firstLayers = new Set(specs.flatMap(({ name }) => (isFirstLayer(name, gates) ? [name.replace(/\.(weight|bias)$/, '')] : [])));
  const centres = new Map<string, tfjs.Tensor>();
  const begin = cut(start);
  const means = meanInputs(tf, firstLayers, rows, (inputs, tap) => encode(begin, inputs, tap));
  for (const [layer, mean] of means) centres.set(layer, mean);
  tf.dispose(begin);
  const centred = new Map<string, Float32Array>();
  for (const [layer, centre] of centres) centred.set(layer, Float32Array.from(await centre.data()));

  return {
    folded(values) {
      const starts = new Map<string, number>();
      let at = 0;
      for (const { name, shape } of specs) {
        starts.set(name, at);
        at += sizeOf(shape);
      }
      const out = [...values];
      for (const [layer, centre] of centred) {
        const [weight, bias] = [starts.get(`${layer}.weight`) ?? 0, starts.get(`${layer}.bias`) ?? 0];
        for (let i = 0; i * centre.length < (sizes.get(`${layer}.weight`) ?? 0); i++)
          out[bias + i] -= centre.reduce((sum, value, j) => sum + value * values[weight + i * centre.length + j], 0);
      }
      return out;
    },

    async entropy(values, tasks) {
      const own = cut(values);
      const total = await meanEntropy(tf, poolOf(own), tasks, diversity);
      tf.dispose(own);
      return total;
    },

    async gradient(values, tasks) {
      const own = cut(values);
      const gradients = entropyGradients(tf, poolOf, own, tasks, diversity);
      const numbers: number[] = [];
      for (const gradient of gradients) for (const value of await gradient.data()) numbers.push(value);
      tf.dispose([...own, ...gradients]);
      return numbers;
    },

    dispose() {
      tf.dispose([...fixed.values(), ...transposes.values(), ...centres.values()]);
      gated.dispose();
    },
  };
}

/** Mean over the tokens of all rows of what linear layers read, `[d, 1]` by layer; a layer that is asked several times a pass has one mean. */
function meanInputs(
  tf: Tfjs,
  layers: ReadonlySet<string>,
  rows: readonly TokenRow[],
  encode: (inputs: EncoderInputs<tfjs.Tensor>, tap: LinearTap) => unknown,
): ReadonlyMap<string, tfjs.Tensor> {
  const sums = new Map<string, tfjs.Tensor>();
  const counts = new Map<string, number>();
  for (const batch of cutBatches(rows, PASS_TOKENS)) {
    tf.tidy(() => {
      const inputs = tokenBatch(tf, batch);
      encode(inputs, (layer, x) => {
        if (!layers.has(layer)) return;
        const [b, t, d] = x.shape;
        const flat = tf.reshape(t === 1 ? x : tf.mul(x, tf.expandDims(tf.cast(inputs.mask, 'float32'), 2)), [b * t, d]);
        const sum = tf.sum(flat, 0);
        const known = sums.get(layer);
        sums.set(layer, tf.keep(known === undefined ? sum : tf.add(known, sum)));
        known?.dispose();
        counts.set(layer, (counts.get(layer) ?? 0) + (t === 1 ? b : batch.reduce((total, { ids }) => total + ids.length, 0)));
      });
    });
  }
  return new Map(
    [...sums].map(([layer, sum]) => {
      const mean = tf.tidy(() => tf.reshape(tf.div(sum, counts.get(layer) ?? 1), [sum.size, 1]));
      sum.dispose();
      return [layer, mean];
    }),
  );
}

/** The modules of all experts side by side. */
function putExperts(
  tf: Tfjs,
  parameters: readonly string[],
  gates: Gates,
  experts: GatedModel['experts'],
): { readonly experts: GatedExperts; dispose(): void } {
  const factors = new Map<string, GatedFactors>();
  const deltas = new Map<string, tfjs.Tensor>();
  for (const name of parameters) {
    const modules = experts.map((expert) => expert.modules.get(name));
    const [us, vs, owners] = stackFactors(modules);
    if (owners.length > 0) {
      const [m, n] = [us[0].shape[0], vs[0].shape[1]];
      const [u, v] = [tf.tensor2d(concatColumns(us), [m, owners.length]), tf.tensor2d(concatRows(vs), [owners.length, n])];
      factors.set(name, {
        u,
        uTransposed: tf.transpose(u),
        v,
        vTransposed: tf.transpose(v),
        owners: tf.tensor2d(experts.map((_, e) => owners.map((owner) => (owner === e ? 1 : 0)))),
      });
    }
    const whole = modules.find((module) => module?.kind === 'whole');
    if (whole?.kind !== 'whole') continue;
    const [size] = whole.delta.shape;
    const rows = modules.map((module) => (module?.kind === 'whole' ? module.delta : floatTensor([size], new Float32Array(size))));
    deltas.set(name, tf.tensor2d(concatRows(rows), [experts.length, size]));
  }
  return {
    experts: { gates, factors: (name) => factors.get(name), deltas: (name) => deltas.get(name) },
    dispose: () => tf.dispose([[...factors.values()].flatMap((own) => Object.values(own)), [...deltas.values()]]),
  };
}

/** Factors `[m, r]` and `[r, n]` of those that have any, and the expert of each rank. */
function stackFactors(modules: readonly (LoadedModule | undefined)[]): [FloatTensor[], FloatTensor[], number[]] {
  const us: FloatTensor[] = [];
  const vs: FloatTensor[] = [];
  const owners: number[] = [];
  for (const [e, module] of modules.entries()) {
    if (module?.kind !== 'factored') continue;
    us.push(floatTensor([module.u.rows, module.u.cols], module.u.data));
    vs.push(floatTensor([module.v.rows, module.v.cols], module.v.data));
    for (let k = 0; k < module.v.rows; k++) owners.push(e);
  }
  return [us, vs, owners];
}
