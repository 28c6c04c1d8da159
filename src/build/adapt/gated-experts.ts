// The modules of all experts on the engine, side by side, as parts with gates read them.
//
// Letters: E experts, m × n a matrix, R the ranks of all experts' modules of one added up.

import type * as tfjs from '@tensorflow/tfjs';
import { floatTensor, type FloatTensor } from '../../core/tensor.ts';
import type { LoadedExpert, LoadedModule } from '../../formats/expert-file.ts';
import type { Gates } from '../../model/gate.ts';
import { concatColumns, concatRows } from '../../model/matrices.ts';
import type { GatedExperts, GatedFactors } from '../../model/tfjs-executor.ts';
import type { Tfjs } from '../engine/engine.ts';

/** Modules with what takes them off the engine. */
export interface PlacedExperts {
  readonly experts: GatedExperts;
  dispose(): void;
}

/**
 * Puts the modules of `parameters` on the engine.
 * Cost: the factors in f32, twice
 */
export function putExperts(
  tf: Tfjs,
  parameters: readonly string[],
  gates: Gates,
  experts: readonly Pick<LoadedExpert, 'modules'>[],
): PlacedExperts {
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
