// An encoder with gates on the engine: shared model and modules as a pack stores them, factored, and the gates' parameters as the numbers that
// can be learnt.
//
// Letters: d hidden width.

import type * as tfjs from '@tensorflow/tfjs';
import { TwinrouteError } from '../../core/errors.ts';
import { sizeOf, type FloatTensor } from '../../core/tensor.ts';
import type { LoadedExpert } from '../../formats/expert-file.ts';
import type { EncoderInputs } from '../../model/architecture.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import { gateLayers, gateParameters, type Gates } from '../../model/gate.ts';
import type { OpenArchitecture } from '../../model/registry.ts';
import { encodeBatch, type LinearTap } from '../../model/tfjs-executor.ts';
import type { Tfjs } from '../engine/engine.ts';
import { foldCentres, meanInputs } from './centre.ts';
import type { Learnable } from './descend.ts';
import { entropyGradients, meanEntropy, type Pool } from './entropy.ts';
import { putExperts } from './gated-experts.ts';

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
  const centres = new Map<string, tfjs.Tensor>();
  const begin = cut(start);
  for (const [layer, mean] of meanInputs(tf, gateLayers(gates, specs), rows, (inputs, tap) => encode(begin, inputs, tap)))
    centres.set(layer, mean);
  tf.dispose(begin);
  const means = new Map<string, Float32Array>();
  for (const [layer, centre] of centres) means.set(layer, Float32Array.from(await centre.data()));

  return {
    folded: (values) => foldCentres(specs, values, means),

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
