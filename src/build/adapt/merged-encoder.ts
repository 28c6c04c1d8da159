// An encoder on the engine whose weights follow the coefficients of a merge: `T × P` of them, one for each expert and group of parameters.
//
// Letters: T experts, P groups.

import type * as tfjs from '@tensorflow/tfjs';
import { TwinrouteError } from '../../core/errors.ts';
import type { CoefficientMethod } from '../../core/merge/adaptive.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import type { AdaptDeps, AdaptInput } from './adapt-input.ts';
import { entropyGradients, entropySum, type HeadTensors } from './entropy.ts';
import { cutBatches } from './token-batches.ts';
import { stackVectors, type VectorStack } from './vector-stack.ts';

/** Tokens of a forward pass; with the backward one below, what bounds memory beside the model. */
const PASS_TOKENS = 1024;
/** Tokens of a backward pass, which keeps all that the forward one made. */
const STEP_TOKENS = 512;

/** Texts of a task with the head that answers them. */
export interface EntropyTask {
  readonly rows: readonly TokenRow[];
  readonly head: HeadTensors;
}

/** A merge that can be tried at any coefficients, `[T · P]` with the experts of a group side by side. */
export interface MergedEncoder {
  /** Parameters that any expert changes; the group of each is its place, or 0 when there is one group. */
  readonly names: readonly string[];
  /** P */
  readonly groups: number;
  /** Σ over tasks of the mean entropy. */
  entropy(coefficients: readonly number[], tasks: readonly EntropyTask[]): Promise<number>;
  /** Its gradient with respect to every coefficient. */
  gradient(coefficients: readonly number[], tasks: readonly EntropyTask[]): Promise<number[]>;
  /** Takes everything off the engine. */
  dispose(): void;
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

  return {
    names,
    groups,

    async entropy(coefficients, tasks) {
      const merged = mergeAll(coefficients);
      const byName = new Map(names.map((name, place) => [name, merged[place]]));
      const parameter = (name: string): tfjs.Tensor => byName.get(name) ?? fixedParameter(name);
      let total = 0;
      for (const { rows, head } of tasks) {
        for (const batch of cutBatches(rows, PASS_TOKENS)) {
          const sum = entropySum(tf, model, parameter, head, batch);
          total += (await sum.data())[0] / rows.length;
          sum.dispose();
        }
      }
      tf.dispose(merged);
      return total;
    },

    async gradient(coefficients, tasks) {
      const merged = mergeAll(coefficients);
      let sums: tfjs.Tensor[] | undefined;
      for (const { rows, head } of tasks) {
        for (const batch of cutBatches(rows, STEP_TOKENS)) {
          const before: readonly tfjs.Tensor[] | undefined = sums;
          sums = tf.tidy(() =>
            entropyGradients(tf, model, names, merged, fixedParameter, head, batch).map((gradient, place) => {
              const scaled = tf.div(gradient, rows.length);
              return before === undefined ? scaled : tf.add(before[place], scaled);
            }),
          );
          if (before !== undefined) tf.dispose([...before]);
        }
      }
      const whole = sums ?? [];
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
