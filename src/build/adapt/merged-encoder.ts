// An encoder on the engine whose weights follow the coefficients of a merge: `T × P` of them, one for each expert and group of parameters.
//
// Letters: T experts, P groups.

import type * as tfjs from '@tensorflow/tfjs';
import { TwinrouteError } from '../../core/errors.ts';
import type { CoefficientMethod } from '../../core/merge/adaptive.ts';
import { encodeBatch } from '../../model/tfjs-executor.ts';
import type { AdaptDeps, AdaptInput } from './adapt-input.ts';
import type { Learnable } from './descend.ts';
import { entropyGradients, meanEntropy, type Pool } from './entropy.ts';
import { stackVectors, type VectorStack } from './vector-stack.ts';

/** A merge that can be tried at any coefficients, `[T · P]` with the experts of a group side by side. */
export interface MergedEncoder extends Learnable {
  /** Parameters that any expert changes; the group of each is its place, or 0 when there is one group. */
  readonly names: readonly string[];
  /** P */
  readonly groups: number;
}

/**
 * Puts a base and the task vectors of its experts on the engine.
 * Cost: the base twice in f32 (θ0 and the merged model), adapters as factors, full experts and those of a method that prepares vectors T
 * times what they change
 */
export async function createMergedEncoder(
  input: AdaptInput<CoefficientMethod>,
  { engine: { tf }, progress }: Pick<AdaptDeps, 'engine' | 'progress'>,
): Promise<MergedEncoder> {
  const { model, base, experts, method } = input;
  const prepare =
    method.prepare === undefined
      ? undefined
      : (vectors: readonly Float32Array[]) => method.prepare?.({ vectors, experts: input.expertParameters }) ?? vectors;
  const fixed = new Map<string, tfjs.Tensor>();
  const names: string[] = [];
  const stacks: VectorStack[] = [];
  for (const [done, { name, shape }] of model.parameters.entries()) {
    progress({ stage: 'task vectors', done, total: model.parameters.length, note: name });
    const sources = experts.map(({ source }) => source.parameter(name));
    const theta = await base.readFloat(name);
    if (sources.every(({ kind }) => kind === 'same')) fixed.set(name, tf.tensor(theta.data, [...shape]));
    else {
      names.push(name);
      stacks.push(await stackVectors(tf, theta, sources, prepare));
    }
  }
  progress({ stage: 'task vectors', done: model.parameters.length, total: model.parameters.length });

  const count = experts.length;
  const groups = method.per === 'expert' ? 1 : names.length;
  const groupOf = (place: number): number => (groups === 1 ? 0 : place);
  const mergeAll = (coefficients: readonly number[]): tfjs.Tensor[] =>
    stacks.map((stack, place) => stack.merge(coefficients.slice(groupOf(place) * count, (groupOf(place) + 1) * count)));
  const fixedParameter = (name: string): tfjs.Tensor => {
    const tensor = fixed.get(name);
    if (tensor !== undefined) return tensor;
    throw new TwinrouteError('internal', `createMergedEncoder: expected the name of a parameter, got ${name}`);
  };

  const places = new Map(names.map((name, place) => [name, place]));
  const poolOf =
    (merged: readonly tfjs.Tensor[]): Pool =>
    (inputs) => {
      const parameter = (name: string): tfjs.Tensor => {
        const place = places.get(name);
        return place === undefined ? fixedParameter(name) : merged[place];
      };
      return encodeBatch(tf, model.architecture, model.config, parameter, inputs).pooled;
    };

  return {
    names,
    groups,

    async entropy(coefficients, tasks) {
      const merged = mergeAll(coefficients);
      const total = await meanEntropy(tf, poolOf(merged), tasks, 0);
      tf.dispose(merged);
      return total;
    },

    async gradient(coefficients, tasks) {
      const merged = mergeAll(coefficients);
      const whole = entropyGradients(tf, poolOf, merged, tasks, 0);
      const products = tf.tidy(() => tf.stack(stacks.map((stack, place) => stack.inner(whole[place])))); // [parameters, T]
      const values = await products.data();
      tf.dispose([...merged, ...whole, products]);
      const gradient = Array.from({ length: groups * count }, () => 0);
      for (const [i, value] of values.entries()) gradient[groupOf(Math.floor(i / count)) * count + (i % count)] += value;
      return gradient;
    },

    dispose() {
      tf.dispose([...fixed.values()]);
      for (const stack of stacks) stack.dispose();
    },
  };
}
