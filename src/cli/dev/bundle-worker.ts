// The edge Worker's code as modules for workerd, bundled by wrangler: the same bytes that `wrangler deploy` would upload.

import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { messageOf, TwinrouteError } from '../../core/errors.ts';
import { PACKAGE_ROOT } from '../package-root.ts';

/** Kept in step with wrangler.toml. */
export const COMPATIBILITY_DATE = '2026-11-01';
/** As in wrangler.toml. */
export const COMPATIBILITY_FLAGS = ['enable_request_signal'];

/** A bundled Worker, as miniflare takes it. */
export interface WorkerBundle {
  readonly mainModule: string;
  readonly modules: Record<string, { type: 'esm' | 'wasm'; contents: Uint8Array<ArrayBuffer> }>;
}

/** How workerd reads the files of a bundle; others (source maps, wrangler's README) are left out. */
const MODULE_TYPES = { '.js': 'esm', '.wasm': 'wasm' } as const;

/**
 * Bundles src/edge.
 * @param folder where wrangler works; created, and emptied first
 * @throws {TwinrouteError} `internal` with wrangler's own words when it fails
 */
export async function bundleWorker(folder: string): Promise<WorkerBundle> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const config = {
    name: 'twinroute',
    main: join(PACKAGE_ROOT, 'src/edge/index.ts'),
    compatibility_date: COMPATIBILITY_DATE,
    compatibility_flags: COMPATIBILITY_FLAGS,
  };
  const configFile = join(folder, 'wrangler.json');
  await writeFile(configFile, JSON.stringify(config));
  const outdir = join(folder, 'out');
  await runWrangler(['deploy', '--dry-run', '--config', configFile, '--outdir', outdir]);
  const modules: WorkerBundle['modules'] = {};
  for (const file of await readdir(outdir)) {
    const type = Object.entries(MODULE_TYPES).find(([ending]) => file.endsWith(ending))?.[1];
    if (type !== undefined) modules[file] = { type, contents: new Uint8Array(await readFile(join(outdir, file))) };
  }
  return { mainModule: 'index.js', modules };
}

function runWrangler(args: readonly string[]): Promise<void> {
  // The package exports its manifest, not its command; both lie in the same folder.
  const wrangler = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js');
  const env = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1' };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [wrangler, ...args], { env, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (error === null) resolve();
      else
        reject(
          new TwinrouteError('internal', `wrangler could not bundle the Worker: ${messageOf(error)}\n${stdout}${stderr}`, { cause: error }),
        );
    });
  });
}
