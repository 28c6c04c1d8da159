// Packs that are built when there is none or its inputs have changed: that of `experts/twin.yaml`, and those of benches.

import { existsSync } from 'node:fs';
import { planBuild } from '../src/build/plan.ts';
import { openPack } from '../src/formats/pack.ts';
import { createSha256, openFolder } from '../src/host/files.ts';
import { main } from '../src/cli/main.ts';

/** Where `npm start` keeps its pack. */
export const SAMPLE_PACK = 'packs/sample';
const CONFIG = 'experts/twin.yaml';

/**
 * Builds the sample pack unless it is there and its config id is the one that today's inputs give.
 * @throws {Error} when the build fails; its messages are on stderr
 */
export function ensureSamplePack(): Promise<string> {
  return ensurePack(CONFIG, SAMPLE_PACK);
}

/** The same of any config. */
export async function ensurePack(config: string, out: string): Promise<string> {
  if (await isCurrent(config, out)) return out;
  console.error(`building ${out} from ${config} …`);
  const code = await main(['build', config, '--out', out], {
    stdout: process.stderr,
    stderr: process.stderr,
    env: process.env,
    stopped: () => new Promise(() => undefined),
  });
  if (code !== 0) throw new Error(`the build of ${out} failed`);
  return out;
}

async function isCurrent(config: string, out: string): Promise<boolean> {
  if (!existsSync(out)) return false;
  const plan = await planBuild(config);
  await plan.close();
  const folder = await openFolder(out);
  try {
    const pack = await openPack(folder, createSha256);
    await pack.verify();
    return pack.manifest.config === plan.id;
  } catch {
    return false; // damaged or of an older version: built anew
  } finally {
    await folder.close();
  }
}
