// `twinroute merge CONFIG OUT`.

import { readFile } from 'node:fs/promises';
import { mergeCheckpoint } from '../../build/checkpoint/merge-checkpoint.ts';
import { planMerge } from '../../build/checkpoint/plan-merge.ts';
import type { Engine } from '../../build/engine/engine.ts';
import { ENGINES, selectEngine } from '../../build/engine/select.ts';
import type { MergeRecord } from '../../contract/merge-record.ts';
import { messageOf, TwinrouteError } from '../../core/errors.ts';
import type { MatMul } from '../../core/linalg/matrix.ts';
import { exactly, integerOption, textOption } from '../options.ts';
import { packageVersion } from '../package-version.ts';
import type { Verb } from '../verb.ts';

/** 5 GB, as transformers cuts checkpoints. */
const DEFAULT_SHARD_MEGABYTES = 5000;

/** The verb `merge`. */
export const merge: Verb = {
  name: 'merge',
  summary: "merges checkpoints and adapters into one checkpoint, by twinroute's or mergekit's YAML",
  usage: 'CONFIG OUT [--engine auto] [--seed N] [--shard-size MB]',
  options: {
    engine: { type: 'string', help: `for methods with matrix products: auto, ${ENGINES.map((engine) => engine.name).join(', ')}; auto` },
    seed: { type: 'string', help: "of the methods that draw; the config's random_seed, else 0" },
    'shard-size': { type: 'string', help: `largest file of weights in MB; ${DEFAULT_SHARD_MEGABYTES}` },
  },
  async run(positionals, values, io, json) {
    const [file, out] = exactly(positionals, 2, 'one CONFIG and one OUT');
    const shardBytes = (integerOption(values, 'shard-size', 1, 1e9) ?? DEFAULT_SHARD_MEGABYTES) * 1e6;
    const seed = integerOption(values, 'seed', 0, 2 ** 32);
    const products = lazyProducts(textOption(values, 'engine') ?? 'auto', io.log);
    try {
      const plan = await planMerge(await readConfigFile(file), file, products.matmul);
      try {
        for (const notice of plan.notices) io.log(`notice: ${notice}`);
        const record = await mergeCheckpoint(plan, out, {
          matmul: products.matmul,
          engineName: products.engineName,
          progress: io.progress,
          producer: `twinroute ${packageVersion()}`,
          seed: seed ?? plan.config.random_seed ?? 0,
          shardBytes,
        });
        io.out(json ? JSON.stringify(record) : describe(record, out));
      } finally {
        await plan.close();
      }
    } finally {
      await products.dispose();
    }
  },
};

async function readConfigFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new TwinrouteError('not_found', `CONFIG: expected a readable file at ${file}, got: ${messageOf(cause)}`, { cause });
  }
}

/** Products on an engine that opens at the first of them: most methods have none, and an engine takes seconds. */
function lazyProducts(name: string, log: (line: string) => void): { matmul: MatMul; engineName: () => string; dispose(): Promise<void> } {
  let engine: Engine | undefined;
  return {
    async matmul(...matrices) {
      engine ??= await selectEngine(name, { log });
      return engine.matmul(...matrices);
    },
    engineName: () => engine?.name ?? 'none',
    dispose: async () => engine?.dispose(),
  };
}

function describe({ method, models, tensors, parameters, files }: MergeRecord, out: string): string {
  const total = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  return `${models.length} models by ${method} in ${out}: ${tensors} tensors, ${(parameters / 1e6).toFixed(1)} M parameters, ${(total / 1e6).toFixed(1)} MB`;
}
