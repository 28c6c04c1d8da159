// The plain method of each parameter of a plan that can be cut into shards: nothing is learnt first.

import { TwinrouteError } from '../../core/errors.ts';
import { isAdaptive } from '../../core/merge/adaptive.ts';
import type { MethodOf } from '../adapt/adapt-input.ts';
import type { BuildPlan } from '../plan.ts';

/** @throws {TwinrouteError} `unsupported` with the reason when one parameter's merge needs all others */
export function methodOf({ method, config }: Pick<BuildPlan, 'method' | 'config'>): MethodOf {
  const { scale } = config.parameters;
  if (isAdaptive(method))
    throw refused(
      `${method.name} learns from texts that pass through all layers before the first parameter is merged`,
      'parameters.shared',
    );
  if (config.merge_method === 'emr' && (scale === 'sums' || scale === 'means'))
    throw refused(`scale: ${scale} is one number over all tensors of an expert (per_tensor and per_row can be cut)`, 'parameters.scale');
  return () => method;
}

function refused(reason: string, param: string): TwinrouteError {
  return new TwinrouteError(
    'unsupported',
    `--shard: expected a method that merges each parameter by itself, got one that does not: ${reason}; build without --shard`,
    { param },
  );
}
