// What merging a plan's parameters has in common, whoever merges which of them.

import { baseAlone } from '../core/merge/wemoe.ts';
import type { FactorFormat } from '../contract/manifest.ts';
import type { MatMul } from '../core/linalg/matrix.ts';
import type { ParameterSpec } from '../model/architecture.ts';
import type { MethodOf } from './adapt/adapt-input.ts';
import type { MergeSettings } from './merge-parameter.ts';
import type { BuildPlan } from './plan.ts';

/** How a config's `quantize` stores factors. */
export const FACTOR_FORMATS: Readonly<Record<'none' | 'fp16' | 'int8' | 'int4', FactorFormat>> = {
  none: 'fp32',
  fp16: 'fp16',
  int8: 'int8',
  int4: 'int4',
};

/** The merge of a plan's parameters. */
export interface MergeWork {
  readonly settings: Omit<MergeSettings, 'rankOf' | 'method'>;
  readonly methodOf: MethodOf;
  /** Parameters with modules. */
  readonly ranked: readonly ParameterSpec[];
}

/**
 * The work of a plan. Under gates, gated parameters are the base's with modules about it, and no other parameter has modules.
 * @param methodOf the method of each parameter: the plan's own, or what it learnt
 */
export function mergeWork(
  { model, config, gates, sharedOnly, parameters, expertParameters }: BuildPlan,
  methodOf: MethodOf,
  matmul: MatMul,
): MergeWork {
  const { about, quantize, seed } = config.parameters;
  const gated = gates && new Set(model.architecture.parts(model.config).flatMap((part) => part.parameters));
  return {
    settings: { parameters, expertParameters, about, format: FACTOR_FORMATS[quantize], seed, matmul },
    methodOf: (name) => (gated?.has(name) === true ? baseAlone : methodOf(name)),
    ranked: sharedOnly === true ? [] : model.parameters.filter(({ name }) => gated?.has(name) ?? true),
  };
}
