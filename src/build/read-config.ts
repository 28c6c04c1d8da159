// The YAML config of a build as a checked value.

import { basename, extname } from 'node:path';
import * as z from 'zod/mini';
import { BuildConfig } from '../contract/build-config.ts';
import { parseWith } from '../contract/parse.ts';
import { TwinrouteError } from '../core/errors.ts';
import { readYaml } from './read-yaml.ts';

/** A build config whose names are settled: every model has one and they differ. */
export interface NamedConfig extends BuildConfig {
  readonly name: string;
  readonly models: (BuildConfig['models'][number] & { readonly name: string })[];
}

/**
 * Parses a build config.
 * @param text YAML
 * @param file its path, for messages and the pack's default name
 * @throws {TwinrouteError} `config` naming the line or the field
 */
export function readConfig(text: string, file: string): NamedConfig {
  return parseConfig(readYaml(text, file), file);
}

/**
 * The value of a build config as a checked one.
 * @throws {TwinrouteError} `config` naming the field
 */
export function parseConfig(value: unknown, file: string): NamedConfig {
  const config = parseWith(BuildConfig, value, file, 'config');
  const { rank, energy, density, budget } = config.parameters;
  const given = [rank, energy, density, budget].filter((setting) => setting !== undefined).length;
  if (given > 1)
    throw new TwinrouteError('config', `${file}: expected one of rank, energy, density and budget, got ${given} of them`, {
      param: 'parameters',
    });
  refuseIdleParameters(config.merge_method, value, file);
  const models = config.models.map((model) => ({ ...model, name: model.name ?? basename(model.model) }));
  const seen = new Set<string>();
  for (const { name } of models) {
    if (seen.has(name))
      throw new TwinrouteError('config', `${file}: expected unlike names, got two models named "${name}"`, { param: 'models' });
    seen.add(name);
  }
  return { ...config, name: config.name ?? basename(file, extname(file)), models };
}

/** What of a config says how a pack of any method is built. */
const PLAIN_PARAMETERS = ['router', 'policy', 'max_tokens', 'seed'];
const RANKED_PARAMETERS = ['shared', 'lambda', 'rank', 'energy', 'density', 'budget', 'quantize', ...PLAIN_PARAMETERS];

/** Parameters that a method reads, and whether it reads those of single models. */
const PARAMETERS_OF: Readonly<Record<BuildConfig['merge_method'], { readonly names: readonly string[]; readonly ofModels: boolean }>> = {
  twin: { names: [...RANKED_PARAMETERS, 'about'], ofModels: true },
  emr: { names: ['scale', ...PLAIN_PARAMETERS], ofModels: false },
  wemoe: { names: [...RANKED_PARAMETERS, 'gate'], ofModels: true },
  e_wemoe: { names: [...RANKED_PARAMETERS, 'gate'], ofModels: true },
};

const GivenParameters = z.looseObject({
  parameters: z.optional(z.looseObject({})),
  models: z.array(z.looseObject({ parameters: z.optional(z.unknown()) })),
});

/** @throws {TwinrouteError} `config` for a parameter that would have no effect */
function refuseIdleParameters(method: BuildConfig['merge_method'], value: unknown, file: string): void {
  const { names, ofModels } = PARAMETERS_OF[method];
  const { parameters = {}, models } = parseWith(GivenParameters, value, file, 'config');
  const odd =
    Object.keys(parameters).find((name) => !names.includes(name)) ??
    (!ofModels && models.some((model) => model.parameters !== undefined) ? 'models[].parameters' : undefined);
  if (odd !== undefined)
    throw new TwinrouteError('config', `${file}: expected of merge_method ${method} no parameters but ${names.join(', ')}, got ${odd}`, {
      param: odd,
    });
}
