// An encoder with gates on the engine: shared model and modules as a pack stores them, factored, and the gates' parameters as the numbers that
// can be learnt.
//
// Letters: E experts, m × n a matrix, R the ranks of all experts' modules of one added up.

import type * as tfjs from '@tensorflow/tfjs';
import { TwinrouteError } from '../../core/errors.ts';
import { floatTensor, sizeOf, type FloatTensor } from '../../core/tensor.ts';
import type { LoadedExpert, LoadedModule } from '../../formats/expert-file.ts';
import { gateParameters, type Gates } from '../../model/gate.ts';
import { concatColumns, concatRows } from '../../model/matrices.ts';
import type { OpenArchitecture } from '../../model/registry.ts';
import { encodeBatch, type GatedExperts, type GatedFactors } from '../../model/tfjs-executor.ts';
import type { Tfjs } from '../engine/engine.ts';
import type { Learnable } from './descend.ts';
import { entropyGradients, meanEntropy, type Pool } from './entropy.ts';

/** What of a pack the gates stand on. */
export interface GatedModel {
  readonly model: OpenArchitecture;
  readonly gates: Gates;
  readonly shared: ReadonlyMap<string, FloatTensor>;
  readonly experts: readonly Pick<LoadedExpert, 'modules'>[];
}

/**
 * Puts a model with gates on the engine. Its numbers are the gates' parameters, one after another as `gateParameters` lists them.
 * Cost: the shared model and the experts' factors in f32, twice
 */
export function createGatedEncoder(tf: Tfjs, { model, gates, shared, experts }: GatedModel): Learnable {
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
  const poolOf =
    (own: readonly tfjs.Tensor[]): Pool =>
    (inputs) => {
      const parameter = (name: string): tfjs.Tensor => {
        const place = places.get(name);
        const tensor = place === undefined ? fixed.get(name) : own[place];
        if (tensor !== undefined) return tensor;
        throw new TwinrouteError('internal', `createGatedEncoder: expected the name of a parameter, got ${name}`);
      };
      return encodeBatch(tf, architecture, config, parameter, inputs, {
        experts: gated.experts,
        transposed: (name) => transposes.get(name),
      }).pooled;
    };

  return {
    async entropy(values, tasks) {
      const own = cut(values);
      const total = await meanEntropy(tf, poolOf(own), tasks);
      tf.dispose(own);
      return total;
    },

    async gradient(values, tasks) {
      const own = cut(values);
      const gradients = entropyGradients(tf, poolOf, own, tasks);
      const numbers: number[] = [];
      for (const gradient of gradients) for (const value of await gradient.data()) numbers.push(value);
      tf.dispose([...own, ...gradients]);
      return numbers;
    },

    dispose() {
      tf.dispose([...fixed.values(), ...transposes.values()]);
      gated.dispose();
    },
  };
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
