// An expert's modules as an open graph takes them: laid out so that the factors of several experts follow one another in memory, which a session's thread
// reads, too.
//
// Letters: m × n a matrix, r rank.

import type { LoadedExpert, LoadedModule } from '../formats/expert-file.ts';
import { toShared } from '../core/shared-floats.ts';
import { transpose } from './matrices.ts';

/** Factors of one parameter. */
export interface ParameterFactors {
  readonly rank: number;
  /** Uᵀ `[r, m]` of a matrix; U itself, `[m, r]`, of a table. */
  readonly u: Float32Array;
  /** `[r, n]` */
  readonly v: Float32Array;
}

/** An expert in memory. */
export interface ExpertFactors {
  readonly factors: ReadonlyMap<string, ParameterFactors>;
  /** Whole differences of vectors, `[m]`. */
  readonly deltas: ReadonlyMap<string, Float32Array>;
  readonly bytes: number;
}

/**
 * Arranges modules.
 * @param tables names of the parameters whose rows are picked
 * Cost: the factors of one matrix at a time beside the modules
 */
export function arrangeModules(modules: LoadedExpert['modules'], tables: ReadonlySet<string>): ExpertFactors {
  const factors = new Map<string, ParameterFactors>();
  const deltas = new Map<string, Float32Array>();
  let bytes = 0;
  for (const [name, module] of modules) {
    bytes += bytesOf(module);
    if (module.kind === 'whole') deltas.set(name, toShared(module.delta.data));
    else {
      const { u, v } = module;
      factors.set(name, {
        rank: v.rows,
        u: toShared(tables.has(name) ? u.data : transpose(u.data, [u.rows, u.cols])),
        v: toShared(v.data),
      });
    }
  }
  return { factors, deltas, bytes };
}

function bytesOf(module: LoadedModule): number {
  return module.kind === 'whole' ? module.delta.data.byteLength : module.u.data.byteLength + module.v.data.byteLength;
}
