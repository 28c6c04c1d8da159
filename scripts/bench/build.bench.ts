// What a build costs, each in a process of its own from start to exit, router training included, and how large its pack is.
//
//   node scripts/bench/build.bench.ts [--config experts/twin.yaml] [--engines tensorflow,wasm] [--runs 3] [--full] [--json FILE]
//
// Without --engines: every engine that opens here and that `auto` would not pass over (WebGPU on a software renderer). `--full` also builds
// from full fp32 checkpoints, the adapters folded into the base; they take 0.7 GB of the temporary folder. The runs of the engines are
// interleaved. One fp16 model: as many bytes as the shared model's file.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { ENGINES } from '../../src/build/engine/select.ts';
import { withPack } from '../../src/cli/open-pack-folder.ts';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { table } from '../../src/cli/table.ts';
import { messageOf } from '../../src/core/errors.ts';
import { foldExperts } from './fold-experts.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';
import { median } from './lib/statistics.ts';
import { loadConfig, saveConfig } from './lib/twin-config.ts';
import type { Usage } from './lib/usage-at-exit.ts';

const { values: options } = parseArgs({
  options: {
    config: { type: 'string', default: 'experts/twin.yaml' },
    engines: { type: 'string' },
    runs: { type: 'string', default: '3' },
    full: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

/** One input on one engine. */
interface BuildFigures {
  readonly input: 'adapters' | 'full checkpoints';
  readonly engine: string;
  readonly runs: number;
  readonly wallSeconds: { readonly min: number; readonly median: number };
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly peakRssBytes: number;
  readonly pack: PackSizes;
}

/** Bytes of a pack. */
interface PackSizes {
  readonly shared: number;
  readonly experts: number;
  readonly router: number;
  /** Everything but the shared model's weights. */
  readonly rest: number;
  /** (shared + experts) / one fp16 model. */
  readonly ratio: number;
}

/** What `--json` writes. */
export interface BuildReport {
  readonly facts: RunFacts;
  readonly results: readonly BuildFigures[];
}

interface Run extends Usage {
  readonly wallSeconds: number;
  readonly pack: PackSizes;
}

async function usableEngines(): Promise<string[]> {
  const names: string[] = [];
  for (const driver of ENGINES) {
    try {
      const device = await driver.open();
      device.close();
      if (device.passedOver === true) console.error(`engine ${driver.name}: left out, ${device.slow ?? 'slow'} (${device.device})`);
      else names.push(driver.name);
    } catch (error) {
      console.error(`engine ${driver.name}: left out, ${messageOf(error)}`);
    }
  }
  return names;
}

async function buildOnce(config: string, engine: string, folder: string): Promise<Run> {
  const out = join(folder, 'pack');
  const usageFile = join(folder, 'usage.json');
  const startedAt = performance.now();
  const ended = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    const preload = join(import.meta.dirname, 'lib/usage-at-exit.ts');
    const child = spawn(
      process.execPath,
      ['--import', preload, 'src/cli/bin.ts', 'build', config, '--out', out, '--engine', engine, '--json'],
      {
        cwd: PACKAGE_ROOT,
        env: { ...process.env, USAGE_FILE: usageFile },
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? signal));
  });
  const wallSeconds = (performance.now() - startedAt) / 1000;
  if (ended !== 0) throw new Error(`build.bench: expected ${config} to build on ${engine}, got ${ended}`);
  const usage: Usage = JSON.parse(readFileSync(usageFile, 'utf8'));
  const pack = await packSizes(out);
  rmSync(out, { recursive: true });
  return { ...usage, wallSeconds, pack };
}

function packSizes(path: string): Promise<PackSizes> {
  return withPack(path, ({ manifest }) => {
    const bytes = (file: string | undefined): number => (file === undefined ? 0 : (manifest.files[file]?.bytes ?? 0));
    const shared = bytes(manifest.shared.file);
    const experts = manifest.experts.reduce((sum, { file }) => sum + bytes(file), 0);
    const all = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, statSync(join(path, 'manifest.json')).size);
    const fp16Model = manifest.shared.format === 'fp32' ? shared / 2 : shared;
    return Promise.resolve({
      shared,
      experts,
      router: bytes(manifest.router?.file),
      rest: all - shared,
      ratio: (shared + experts) / fp16Model,
    });
  });
}

function summarise(input: BuildFigures['input'], engine: string, runs: readonly Run[]): BuildFigures {
  const walls = runs.map((run) => run.wallSeconds);
  return {
    input,
    engine,
    runs: runs.length,
    wallSeconds: { min: Math.min(...walls), median: median(walls) },
    userSeconds: median(runs.map((run) => run.userSeconds)),
    systemSeconds: median(runs.map((run) => run.systemSeconds)),
    peakRssBytes: Math.max(...runs.map((run) => run.peakRssBytes)),
    pack: runs[0].pack,
  };
}

function describe({ results }: BuildReport): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(2);
  return table(
    [
      'input',
      'engine',
      'shared + experts / fp16 model',
      'all but shared MB',
      'experts MB',
      'router MB',
      'wall s min',
      'wall s median',
      'user s',
      'peak RSS MB',
      'runs',
    ],
    results.map(({ input, engine, runs, wallSeconds, userSeconds, peakRssBytes, pack }) => [
      input,
      engine,
      pack.ratio.toFixed(3),
      mb(pack.rest),
      mb(pack.experts),
      mb(pack.router),
      wallSeconds.min.toFixed(1),
      wallSeconds.median.toFixed(1),
      userSeconds.toFixed(1),
      mb(peakRssBytes),
      String(runs),
    ]),
  );
}

/** The config with every adapter replaced by its full checkpoint. */
async function fullConfig(folder: string): Promise<string> {
  const config = loadConfig(options.config);
  const checkpoints = join(folder, 'checkpoints');
  mkdirSync(checkpoints);
  await foldExperts(
    dirname(config.base_model),
    config.models.map((model) => model.name),
    checkpoints,
    'F32',
  );
  const file = join(folder, 'full.yaml');
  saveConfig(file, { ...config, models: config.models.map((model) => ({ ...model, model: join(checkpoints, model.name) })) });
  return file;
}

const facts = runFacts();
const folder = mkdtempSync(join(tmpdir(), 'twinroute-build-bench-'));
try {
  const engines = options.engines?.split(',') ?? (await usableEngines());
  const inputs: readonly (readonly [BuildFigures['input'], string])[] = [
    ['adapters', options.config],
    ...(options.full ? [['full checkpoints', await fullConfig(folder)] as const] : []),
  ];
  const results: BuildFigures[] = [];
  for (const [input, config] of inputs) {
    const runs = new Map<string, Run[]>(engines.map((engine) => [engine, []]));
    for (let round = 0; round < Number(options.runs); round++) {
      for (const [engine, own] of runs) {
        console.error(`— ${input} on ${engine}, run ${round + 1} of ${options.runs}`);
        own.push(await buildOnce(config, engine, folder));
      }
    }
    for (const [engine, own] of runs) results.push(summarise(input, engine, own));
  }
  const report: BuildReport = { facts, results };
  publish(options.json, report, () => describe(report));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
