// The packs that the origin is measured with, built once and kept in the checkout's cache.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../../../src/cli/package-root.ts';
import { ensurePack } from '../../../sample-pack.ts';
import { loadConfig, saveConfig } from '../twin-config.ts';

/** What is told apart; parameters beside those of `experts/twin.yaml`. */
const PACKS = {
  /** As `npm start` serves it. */
  sample: {},
  /** The smallest that keeps 99 % of the experts' scores (docs/quality.md). */
  smallest: { about: 'base', budget: { average_rank: 6 }, quantize: 'int4' },
  /** A flat rank of 16. */
  'rank-16': { about: 'base', budget: undefined, rank: 16, quantize: 'int8' },
} as const;

/** A pack of this bench. */
export type LabPack = keyof typeof PACKS;

const FOLDER = join(PACKAGE_ROOT, '.cache/bench/packs');

/**
 * Path of the pack.
 * Cost: a build the first time, about 20 s
 */
export function labPack(name: LabPack): Promise<string> {
  mkdirSync(FOLDER, { recursive: true });
  const config = loadConfig('experts/twin.yaml');
  const file = join(FOLDER, `${name}.json`);
  saveConfig(file, { ...config, name, parameters: { ...config.parameters, ...PACKS[name] } });
  return ensurePack(file, join(FOLDER, name));
}
