// Which method makes a pack's shared model, and with what parameters.

import type { SharedMethod } from '../core/merge/adaptive.ts';
import { checkExpertCount, resolveParameters, type Parameters } from '../core/merge/method.ts';
import { sharedMethod } from '../core/merge/registry.ts';
import type { NamedConfig } from './read-config.ts';

/** A method with all its parameters. */
export interface ResolvedShared {
  readonly method: SharedMethod;
  readonly parameters: Parameters;
  /** In expert order. */
  readonly expertParameters: readonly Parameters[];
}

/**
 * Resolves `parameters.shared`, `parameters.lambda` and `models[].parameters`; what a model says of itself goes before what `shared` says
 * of all.
 * @throws {TwinrouteError} `config` for an unknown method or parameter, a value out of range, or a number of models that the method is
 * not defined for
 */
export function resolveShared({ parameters: { shared, lambda }, models }: Pick<NamedConfig, 'parameters' | 'models'>): ResolvedShared {
  const { method: name, ...given } = typeof shared === 'string' ? { method: shared } : shared;
  const method = sharedMethod(name);
  checkExpertCount(method, models.length);
  const own: Record<string, number | boolean> = lambda === undefined ? {} : { lambda };
  const all: Record<string, number | boolean> = {};
  for (const [key, value] of Object.entries<number | boolean>(given))
    (Object.hasOwn(method.expertParameters, key) ? all : own)[key] = value;
  resolveParameters(method.expertParameters, all, 'parameters.shared');
  return {
    method,
    parameters: resolveParameters(method.parameters, own, 'parameters.shared'),
    expertParameters: models.map(({ parameters }, i) =>
      resolveParameters(method.expertParameters, { ...all, ...parameters }, `models[${i}].parameters`),
    ),
  };
}
