// The YAML config of a build as a checked value.

import { basename, extname } from 'node:path';
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
  const config = parseWith(BuildConfig, readYaml(text, file), file, 'config');
  const { rank, energy, density, budget } = config.parameters;
  const given = [rank, energy, density, budget].filter((setting) => setting !== undefined).length;
  if (given > 1) throw new TwinrouteError('config', `${file}: expected one of rank, energy, density and budget, got ${given} of them`, { param: 'parameters' });
  const models = config.models.map((model) => ({ ...model, name: model.name ?? basename(model.model) }));
  const seen = new Set<string>();
  for (const { name } of models) {
    if (seen.has(name)) throw new TwinrouteError('config', `${file}: expected unlike names, got two models named "${name}"`, { param: 'models' });
    seen.add(name);
  }
  return { ...config, name: config.name ?? basename(file, extname(file)), models };
}
