// What an expert adds to one parameter: from the difference to its compressed form, to what is stored of it, and to its line in the manifest.

import { compressDelta, type ExclusiveTensor } from '../core/compress/exclusive-module.ts';
import type { FactorFormat } from '../core/compress/quantise.ts';
import { innerDense } from '../core/linalg/inner.ts';
import type { MatMul, Matrix } from '../core/linalg/matrix.ts';
import { randomisedSvd } from '../core/linalg/randomised-svd.ts';
import type { RankRule, Svd } from '../core/linalg/svd.ts';
import { floatTensor, type FloatTensor } from '../core/tensor.ts';
import type { ModuleTensor } from '../contract/manifest.ts';
import { storeDelta, storeFactors, type StoredTensor } from '../formats/expert-file.ts';

/** What an expert adds to one parameter. */
export type MergedModule =
  | ({ readonly kind: 'factored' } & ExclusiveTensor)
  | { readonly kind: 'whole'; readonly delta: FloatTensor }
  | { readonly kind: 'unchanged' };

/** A difference that is to be a module. */
export type Delta =
  | { readonly kind: 'factored'; readonly svd: Svd; readonly inner: (u: Matrix, v: Matrix) => number }
  | { readonly kind: 'whole'; readonly delta: FloatTensor }
  | { readonly kind: 'unchanged' };

/**
 * A difference that is known entry by entry.
 * @param values of shape `shape`; kept
 */
export async function denseDelta(
  shape: readonly number[],
  values: Float32Array,
  rank: RankRule,
  { matmul, seed }: { readonly matmul: MatMul; readonly seed: number },
): Promise<Delta> {
  if (values.every((value) => value === 0)) return { kind: 'unchanged' };
  if (shape.length !== 2) return { kind: 'whole', delta: floatTensor(shape, values) };
  const matrix: Matrix = { rows: shape[0], cols: shape[1], data: values };
  return { kind: 'factored', svd: await randomisedSvd(matrix, rank, { matmul, seed }), inner: (u, v) => innerDense(matrix, u, v) };
}

/** The difference as it is stored. */
export function compressed(delta: Delta, format: FactorFormat): MergedModule {
  return delta.kind === 'factored' ? { kind: 'factored', ...compressDelta(delta.svd, format, delta.inner) } : delta;
}

/** The tensors of a module's file. */
export function storedTensors(parameter: string, module: MergedModule): readonly StoredTensor[] {
  switch (module.kind) {
    case 'factored':
      return storeFactors(parameter, module.u, module.v);
    case 'whole':
      return [storeDelta(parameter, module.delta)];
    case 'unchanged':
      return [];
  }
}

/** The module's line in the manifest. */
export function moduleEntry(parameter: string, shape: readonly number[], module: MergedModule): ModuleTensor {
  const fact = { name: parameter, shape: [...shape], kind: module.kind };
  return module.kind === 'factored'
    ? { ...fact, rank: module.rank, kept_energy: module.keptEnergy, error: module.error }
    : { ...fact, rank: 0, kept_energy: 1, error: 0 };
}
