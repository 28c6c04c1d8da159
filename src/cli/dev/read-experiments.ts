// The experiments of `twinroute dev --experiments FILE`, checked before anything is started.

import { readFile } from 'node:fs/promises';
import { Experiments } from '../../contract/experiments.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';

/**
 * The file's text.
 * @param configs ids of the configs that are served
 * @throws {TwinrouteError} `not_found` without the file; `config` when it does not fit, or has an arm or a shadow of another config
 */
export async function readExperiments(path: string, configs: readonly string[]): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new TwinrouteError('not_found', `--experiments: expected a file that can be read, got ${path}`, { cause });
  });
  for (const { key, arms, shadow } of parseJsonWith(Experiments, text, path, 'config').experiments) {
    const unknown = [...arms, ...(shadow === undefined ? [] : [shadow])].find(({ config }) => !configs.includes(config));
    if (unknown !== undefined)
      throw new TwinrouteError('config', `${path}: ${key}: expected configs among ${configs.join(', ')}, got ${unknown.config}`);
  }
  return text;
}
