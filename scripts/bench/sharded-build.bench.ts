// What a build costs on one machine and in shards: CPU seconds and peak memory of every process, run one after another. Linux and macOS.
//
//   node scripts/bench/sharded-build.bench.ts [--shards 2,4] [--layers 6] [--width 384] [--dir FOLDER] [--json FILE]
//
// Makes a random base in the shape of BERT and four full experts, half a gigabyte by default, in FOLDER, and removes them. Every pack has to be the same.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../src/cli/table.ts';
import { createRandom } from '../../src/core/random.ts';
import { sizeOf } from '../../src/core/tensor.ts';
import { writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { openArchitecture } from '../../src/model/registry.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';
import type { Usage } from './lib/usage-at-exit.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Whose examples the router learns from. */
const EXPERTS = ['cola', 'sst2', 'mrpc', 'qnli'];
/** A prime number of normal draws, so that no row of a matrix is another one's. */
const POOL = 1_048_573;

/** One process. */
interface Step {
  readonly shards: number;
  readonly what: string;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

/** What `--json` writes. */
export interface ShardedBuildReport {
  readonly facts: RunFacts;
  readonly parameters: number;
  readonly experts: number;
  readonly steps: readonly Step[];
  /** Whether all packs had one digest. */
  readonly same: boolean;
}

const { values: options } = parseArgs({
  options: {
    shards: { type: 'string', default: '2,4' },
    layers: { type: 'string', default: '6' },
    width: { type: 'string', default: '384' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
});
const facts = runFacts();
const folder = mkdtempSync(join(options.dir, 'twinroute-shards-'));
const at = (...names: string[]): string => join(folder, ...names);
const width = Number(options.width);
const modelConfig = {
  ...JSON.parse(readFileSync(join(ROOT, 'experts/base/config.json'), 'utf8')),
  hidden_size: width,
  intermediate_size: 4 * width,
  num_hidden_layers: Number(options.layers),
  torch_dtype: 'float32',
};
const model = openArchitecture('bert', modelConfig);

const draws = createRandom(1);
const pool = Float32Array.from({ length: POOL }, () => draws.normal());

/** Numbers of a tensor: the base's of 0.02, an expert's a tenth of it away. */
function valuesOf(tensor: string, size: number, expert: number): Float32Array {
  const [own, other] = [createRandom(2, tensor).below(POOL), createRandom(3 + expert, tensor).below(POOL)];
  return Float32Array.from({ length: size }, (_, i) => 0.02 * pool[(own + i) % POOL] + (expert < 0 ? 0 : 0.002 * pool[(other + i) % POOL]));
}

async function makeModel(name: string, expert: number): Promise<void> {
  cpSync(join(ROOT, 'experts/base'), at(name), { recursive: true });
  const labels = { id2label: { 0: 'no', 1: 'yes' }, label2id: { no: 0, yes: 1 }, architectures: ['BertForSequenceClassification'] };
  writeFileSync(at(name, 'config.json'), JSON.stringify({ ...modelConfig, ...(expert >= 0 && labels) }));
  const head =
    expert < 0
      ? []
      : [
          { name: 'classifier.weight', shape: [2, width] },
          { name: 'classifier.bias', shape: [2] },
        ];
  const tensors = [...model.parameters, ...head].map(({ name: tensor, shape }) => ({
    name: tensor,
    shape,
    dtype: 'F32' as const,
    data: () => valuesOf(tensor, sizeOf(shape), expert),
  }));
  const handle = await open(at(name, 'model.safetensors'), 'w');
  for await (const chunk of writeSafetensors(tensors, { format: 'pt' })) await handle.writeFile(chunk);
  await handle.close();
}

const steps: Step[] = [];

/** Runs `twinroute build` and notes what it used. */
function build(shards: number, what: string, ...args: string[]): void {
  const usageFile = at('usage.json');
  const command = ['--import', join(ROOT, 'scripts/bench/lib/usage-at-exit.ts'), join(ROOT, 'src/cli/bin.ts'), 'build', at('twin.yaml')];
  const { status, stderr } = spawnSync(process.execPath, [...command, ...args, '--engine', 'wasm'], {
    encoding: 'utf8',
    env: { ...process.env, USAGE_FILE: usageFile },
  });
  if (status !== 0) throw new Error(`${what}: build ended with ${status}: ${stderr.slice(-2000)}`);
  const { userSeconds, systemSeconds, peakRssBytes }: Usage = JSON.parse(readFileSync(usageFile, 'utf8'));
  steps.push({ shards, what, cpuSeconds: userSeconds + systemSeconds, peakMegabytes: peakRssBytes / 1e6 });
  console.error(`bench: ${shards} shards, ${what}: done`);
}

try {
  mkdirSync(at('packs'));
  await makeModel('base', -1);
  for (const [expert, name] of EXPERTS.entries()) await makeModel(name, expert);
  const models = EXPERTS.map((name) => ({ name, model: at(name), examples: join(ROOT, `experts/${name}/examples.jsonl`) }));
  const parameters = { shared: 'ties', rank: 16, quantize: 'int8' };
  writeFileSync(at('twin.yaml'), JSON.stringify({ name: 'bench', merge_method: 'twin', base_model: at('base'), models, parameters }));
  build(1, 'whole', '--out', at('packs', '1'));
  const counts = options.shards.split(',').map(Number);
  for (const count of counts) {
    for (let i = 0; i < count; i++) build(count, `shard ${i}`, '--out', at(`parts-${count}`, String(i)), '--shard', `${i}/${count}`);
    build(count, 'join', '--join', at(`parts-${count}`), '--out', at('packs', String(count)));
  }
  const manifests = [1, ...counts].map((count) => readFileSync(at('packs', String(count), 'manifest.json'), 'utf8'));
  const report: ShardedBuildReport = {
    facts,
    parameters: model.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    experts: EXPERTS.length,
    steps,
    same: new Set(manifests).size === 1,
  };
  if (!report.same) process.exitCode = 1;
  publish(options.json, report, () =>
    [
      `${(report.parameters / 1e6).toFixed(0)} M parameters, ${EXPERTS.length} full experts, TIES, rank 16; packs ${report.same ? 'the same' : 'DIFFER'}`,
      table(
        ['shards', 'process', 'CPU seconds', 'peak RSS, MB'],
        steps.map(({ shards, what, cpuSeconds, peakMegabytes }) => [String(shards), what, cpuSeconds.toFixed(0), peakMegabytes.toFixed(0)]),
      ),
    ].join('\n'),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
