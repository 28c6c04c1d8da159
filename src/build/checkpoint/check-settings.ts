// Holds the parameters of a merge config against the method that it names, before anything is read.

import { TwinrouteError } from '../../core/errors.ts';
import { checkParameter, type ParameterSpec, type StaticMethod } from '../../core/merge/method.ts';
import { STATIC_METHODS } from '../../core/merge/registry.ts';
import type { MergeConfig, Settings } from '../../contract/merge-config.ts';
import { leavesOf } from './settings.ts';

/** Parameters of mergekit that say how it computes, not what. */
const WITHOUT_MEANING: Readonly<Record<string, string>> = {
  int8_mask: 'masks are exact whatever their type',
  embed_slerp: 'embeddings merge like every other tensor',
};

/**
 * Checks every setting of a config.
 * @returns what the user should know: settings that have no part in the method
 * @throws {TwinrouteError} `config` for a name that no method has, and for a value out of range, with its path
 */
export function checkSettings(config: MergeConfig, method: StaticMethod): string[] {
  const table: Readonly<Record<string, ParameterSpec>> = { ...method.parameters, ...method.expertParameters };
  const notices = new Set<string>();
  const check = (settings: Settings, where: string, ofMethod: boolean): void => {
    for (const [name, setting] of Object.entries(settings ?? {})) {
      const param = `${where}.${name}`;
      if (!ofMethod && Object.hasOwn(method.parameters, name)) {
        throw new TwinrouteError(
          'config',
          `${param}: expected ${name} among the parameters of the whole or of a slice, got it for one model`,
          { param },
        );
      }
      if (Object.hasOwn(table, name)) for (const value of leavesOf(setting)) checkParameter(table[name], value, param);
      else if (Object.hasOwn(WITHOUT_MEANING, name)) notices.add(`${name} is ignored: ${WITHOUT_MEANING[name]}`);
      else if (STATIC_METHODS.some((other) => Object.hasOwn(other.parameters, name) || Object.hasOwn(other.expertParameters, name)))
        notices.add(`${name} is ignored: it has no part in ${method.name}`);
      else
        throw new TwinrouteError('config', `${param}: expected one of ${Object.keys(table).join(', ') || 'none'}, got ${name}`, { param });
    }
  };
  check(config.parameters, 'parameters', true);
  config.models?.forEach((model, i) => check(model.parameters, `models[${i}].parameters`, false));
  config.slices?.forEach((slice, i) => {
    check(slice.parameters, `slices[${i}].parameters`, true);
    slice.sources.forEach((source, j) => check(source.parameters, `slices[${i}].sources[${j}].parameters`, false));
  });
  return [...notices];
}
