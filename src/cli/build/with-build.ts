// What every form of a build opens, and closes however the work ends.

import type { BuildDeps } from '../../build/build-pack.ts';
import type { Engine } from '../../build/engine/engine.ts';
import { selectEngine } from '../../build/engine/select.ts';
import { openParts, type Parts } from '../../build/parts/parts.ts';
import { planBuild, type BuildPlan } from '../../build/plan.ts';
import { packageVersion } from '../package-version.ts';
import type { Io } from '../verb.ts';

/** What a build is given. */
export interface BuildInputs {
  /** Path of the config. */
  readonly config: string;
  /** Folders of parts; none for a build on one machine and for a first round of shards. */
  readonly parts: readonly string[];
}

/**
 * Opens the plan of a build and the parts that go into it.
 * @throws {TwinrouteError} as `planBuild` and `openParts`, and whatever `use` throws
 */
export async function withBuild<T>(
  { config, parts: paths }: BuildInputs,
  use: (plan: BuildPlan, parts: Parts | undefined) => Promise<T>,
): Promise<T> {
  const parts = paths.length === 0 ? undefined : await openParts(paths);
  try {
    const plan = await planBuild(config);
    try {
      return await use(plan, parts);
    } finally {
      await plan.close();
    }
  } finally {
    await parts?.close();
  }
}

/** What a build runs on and tells, of the command line's making. */
type CliDeps = Pick<BuildDeps, 'engine' | 'progress' | 'producer'>;

/**
 * Opens the engine of that name; for `auto` that of the parts, as only it makes the same bytes.
 * @throws {TwinrouteError} as `selectEngine`, and whatever `use` throws
 */
export async function withEngine<T>(name: string, parts: Parts | undefined, io: Io, use: (deps: CliDeps) => Promise<T>): Promise<T> {
  const engine: Engine = await selectEngine(name === 'auto' ? (parts?.engine ?? name) : name, { log: io.log });
  try {
    return await use({ engine, progress: io.progress, producer: `twinroute ${packageVersion()}` });
  } finally {
    await engine.dispose();
  }
}
