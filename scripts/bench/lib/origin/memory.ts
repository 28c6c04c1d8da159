// Memory of the origin beside that of a session for each expert, and of a hundred experts beside none.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { withPack } from '../../../../src/cli/open-pack-folder.ts';
import { openTwinPack } from '../../../../src/origin/twin-pack.ts';
import { PROMOTED_BYTES, type LabOptions } from './lab.ts';
import type { MemoryProbe } from './memory-probe.ts';
import { labPack } from './packs.ts';
import { writePlainModels } from './plain-models.ts';

/** What was measured, bytes. */
export interface MemoryFigures {
  /** Resident bytes before the first session and after each. */
  readonly sessions: readonly number[];
  /** Before the pack was loaded, and after a run of every expert. */
  readonly origin: readonly number[];
  /** Weights of their own that hot mixes have by default, at most. */
  readonly promoted: number;
  /** A hundred random experts of rank 16: with none in memory, with all, and the bytes of their factors in f32. */
  readonly experts: { readonly none: number; readonly all: number; readonly factors: number };
}

/** Measures, each in a process of its own. */
export async function measureMemory(
  { threads, instances }: Pick<LabOptions, 'threads' | 'instances'>,
  folder: string,
): Promise<MemoryFigures> {
  const sample = await labPack('sample');
  const { files, mixBytes } = await withPack(sample, async (pack) => {
    const names = pack.manifest.experts.map(({ name }) => name);
    return { files: await writePlainModels(pack, folder), mixBytes: (await openTwinPack(pack, names, 0)).mixBytes };
  });
  const probe = (...args: readonly string[]): MemoryProbe => {
    console.error(`— ${args[0]}`);
    const program = join(import.meta.dirname, 'memory-probe.ts');
    const [mode, ...rest] = args;
    const { status, stdout } = spawnSync(
      process.execPath,
      [...process.execArgv, '--expose-gc', program, mode, String(threads), String(instances), ...rest],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
        // What is freed goes back to the system at once: garbage of loading would hide what comes after it.
        env: { ...process.env, MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' },
      },
    );
    if (status !== 0) throw new Error(`memory probe: expected figures of ${mode}, got exit code ${status}`);
    return JSON.parse(stdout);
  };
  const experts = probe('experts', await labPack('rank-16'), '100', '16');
  return {
    sessions: probe('sessions', ...files).rss,
    origin: probe('origin', sample).rss,
    promoted: Math.floor(PROMOTED_BYTES / mixBytes) * mixBytes,
    experts: { none: experts.rss[0], all: experts.rss[1], factors: experts.factorBytes ?? 0 },
  };
}
