// The pack of `experts/twin.yaml`, built when there is none or its inputs have changed.

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
export async function ensureSamplePack(): Promise<string> {
  if (await isCurrent()) return SAMPLE_PACK;
  console.error(`building ${SAMPLE_PACK} from ${CONFIG} …`);
  const code = await main(['build', CONFIG, '--out', SAMPLE_PACK], {
    stdout: process.stderr,
    stderr: process.stderr,
    env: process.env,
    stopped: () => new Promise(() => undefined),
  });
  if (code !== 0) throw new Error(`the build of ${SAMPLE_PACK} failed`);
  return SAMPLE_PACK;
}

async function isCurrent(): Promise<boolean> {
  if (!existsSync(SAMPLE_PACK)) return false;
  const plan = await planBuild(CONFIG);
  await plan.close();
  const folder = await openFolder(SAMPLE_PACK);
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
