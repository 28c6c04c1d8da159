// Time and peak memory of static merges of a billion parameters, and of mergekit's on the same files in the same run. Linux only.
//
//   node scripts/bench/large-merge.bench.ts [--mergekit VENV] [--methods linear,ties] [--layers 22] [--dir FOLDER] [--json FILE]
//
// Makes a sharded bfloat16 base in the shape of a Llama of 1.1 B parameters and four experts, about 11 GB, in FOLDER, and removes them. An
// expert's weights are the base's with other low bits. mergekit maps its inputs into memory, which counts as resident: its own
// allocations stand beside it.

import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cutShards, shardIndex } from '../../src/build/checkpoint/shards.ts';
import { table } from '../../src/cli/table.ts';
import { createRandom } from '../../src/core/random.ts';
import { sizeOf } from '../../src/core/tensor.ts';
import { writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXPERTS = ['a', 'b', 'c', 'd'];
const SHARD_BYTES = 1e9;
const POLL_MS = 50;

const { values: options } = parseArgs({
  options: {
    mergekit: { type: 'string' },
    methods: { type: 'string', default: 'linear,ties' },
    layers: { type: 'string', default: '22' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
});
const layers = Number(options.layers);
const facts = runFacts();
const folder = mkdtempSync(join(options.dir, 'twinroute-large-'));
const at = (name: string): string => join(folder, name);

const tensors = [
  ...Array.from({ length: layers }, (_, l) =>
    Object.entries({
      'self_attn.q_proj': [2048, 2048],
      'self_attn.k_proj': [256, 2048],
      'self_attn.v_proj': [256, 2048],
      'self_attn.o_proj': [2048, 2048],
      'mlp.gate_proj': [5632, 2048],
      'mlp.up_proj': [5632, 2048],
      'mlp.down_proj': [2048, 5632],
      input_layernorm: [2048],
      post_attention_layernorm: [2048],
    }).map(([name, shape]) => ({ name: `model.layers.${l}.${name}.weight`, shape })),
  ).flat(),
  { name: 'lm_head.weight', shape: [32_000, 2048] },
  { name: 'model.embed_tokens.weight', shape: [32_000, 2048] },
  { name: 'model.norm.weight', shape: [2048] },
].map((tensor) => ({ ...tensor, dtype: 'BF16' as const }));

/** Words of bfloat16 with magnitudes around 0.03; the same for a model and its base but for the three lowest bits. */
function wordsOf(model: string, tensor: string, size: number): Uint16Array {
  const words = new Uint16Array(size);
  const pool = new Uint16Array(1 << 20);
  const random = createRandom(1, tensor);
  for (let i = 0; i < pool.length; i++) pool[i] = (random.below(2) << 15) | 0x3cc0 | random.below(128);
  if (model === 'base') {
    for (let i = 0; i < size; i++) words[i] = pool[i % pool.length];
    return words;
  }
  randomFillSync(words);
  for (let i = 0; i < size; i++) words[i] = pool[i % pool.length] ^ (words[i] & 7);
  return words;
}

async function makeModel(model: string): Promise<void> {
  mkdirSync(at(model));
  const shards = cutShards(tensors, SHARD_BYTES);
  for (const { file, tensors: own } of shards) {
    const handle = await open(join(at(model), file), 'w');
    const producers = own.map((tensor) => ({ ...tensor, data: () => wordsOf(model, tensor.name, sizeOf(tensor.shape)) }));
    for await (const chunk of writeSafetensors(producers, { format: 'pt' })) await handle.writeFile(chunk);
    await handle.close();
  }
  writeFileSync(join(at(model), 'model.safetensors.index.json'), shardIndex(shards));
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: 32_000,
    hidden_size: 2048,
    intermediate_size: 5632,
    num_hidden_layers: layers,
    num_attention_heads: 32,
    num_key_value_heads: 4,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    hidden_act: 'silu',
    torch_dtype: 'bfloat16',
    tie_word_embeddings: false,
  };
  writeFileSync(join(at(model), 'config.json'), JSON.stringify(config));
}

/** What a merge took. */
interface Measured {
  readonly seconds: number;
  readonly peakMegabytes: number;
  /** Largest sample of what the process allocated itself, without mapped files. */
  readonly ownMegabytes: number;
}

/** One merge by one program. */
interface MergeFigures extends Measured {
  readonly method: string;
  readonly who: string;
  readonly loadAfter: number;
}

/** What `--json` writes. */
export interface LargeMergeReport {
  readonly facts: RunFacts;
  readonly parameters: number;
  readonly experts: number;
  readonly merges: readonly MergeFigures[];
}

/** Runs a program to its end and samples its memory. */
async function measure(command: string, args: readonly string[]): Promise<Measured> {
  const started = performance.now();
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HF_HUB_OFFLINE: '1' } });
  let peakMegabytes = 0;
  let ownMegabytes = 0;
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2000)));
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      const field = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
      peakMegabytes = Math.max(peakMegabytes, field('VmHWM'));
      ownMegabytes = Math.max(ownMegabytes, field('RssAnon'));
    } catch {
      // It has just ended.
    }
  }, POLL_MS);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}: ${errors}`);
  return { seconds: (performance.now() - started) / 1000, peakMegabytes, ownMegabytes };
}

try {
  for (const model of ['base', ...EXPERTS]) await makeModel(model);
  const merges: MergeFigures[] = [];
  for (const method of options.methods.split(',')) {
    const models = EXPERTS.map((name) => ({ model: at(name), parameters: { weight: 0.25, ...(method !== 'linear' && { density: 0.5 }) } }));
    const config = at(`${method}.yaml`);
    writeFileSync(
      config,
      JSON.stringify({ merge_method: method, ...(method !== 'linear' && { base_model: at('base') }), models, dtype: 'bfloat16' }),
    );
    const programs: [string, string, readonly string[]][] = [
      ['twinroute', process.execPath, ['src/cli/bin.ts', 'merge', config, at('out')]],
    ];
    if (options.mergekit !== undefined)
      programs.push([
        'mergekit',
        join(options.mergekit, 'bin/mergekit-yaml'),
        [config, at('out'), '--no-copy-tokenizer', '--no-write-model-card', '--quiet'],
      ]);
    for (const [who, command, args] of programs) {
      merges.push({ method, who, ...(await measure(command, args)), loadAfter: loadavg()[0] });
      rmSync(at('out'), { recursive: true });
    }
  }
  const parameters = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const report: LargeMergeReport = { facts, parameters, experts: EXPERTS.length, merges };
  publish(options.json, report, () =>
    [
      `${(parameters / 1e9).toFixed(2)} B parameters, ${EXPERTS.length} experts, bfloat16`,
      table(
        ['method', 'program', 'seconds', 'peak RSS, MB', 'of it own, MB', 'load'],
        merges.map(({ method, who, seconds, peakMegabytes, ownMegabytes, loadAfter }) => [
          method,
          who,
          seconds.toFixed(1),
          peakMegabytes.toFixed(0),
          ownMegabytes.toFixed(0),
          loadAfter.toFixed(1),
        ]),
      ),
    ].join('\n'),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
