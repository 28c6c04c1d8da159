// Static merges against mergekit's, tensor by tensor, on random tiny checkpoints in the shapes of Llama and BERT, f32.
//
//   node scripts/bench/mergekit.bench.ts --mergekit VENV [--only TEXT] [--json FILE]
//
// VENV is a Python environment with mergekit (`python3 -m venv VENV && VENV/bin/pip install mergekit`). All of its merges run in one process,
// through the interface that its README documents. Methods that draw are compared by what a draw looks like and by the mean over seeds.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { main } from '../../src/cli/main.ts';
import { createRandom } from '../../src/core/random.ts';
import { sizeOf } from '../../src/core/tensor.ts';
import { encodeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { openWeights } from '../../src/formats/weights.ts';
import { withFolder } from '../../src/host/with-folder.ts';
import { table } from '../../src/cli/table.ts';
import { runFacts, type RunFacts } from './lib/run-facts.ts';

/** Two f32 sums of a few terms may differ by this much on weights of order 1. */
const TOLERANCE = 1e-6;
/** Draws for the mean of a random method. */
const SEEDS = 20;

const { values: options } = parseArgs({
  options: { mergekit: { type: 'string' }, only: { type: 'string', default: '' }, json: { type: 'string' } },
});

/** A merge that both programs do. */
interface Case {
  readonly name: string;
  readonly config: object;
  /** Why the results differ, where they are meant to. */
  readonly differs?: string;
  /** Seeds to draw with; one when the method does not draw. */
  readonly seeds?: number;
}

/** What `--json` writes. */
export interface MergekitReport {
  readonly facts: RunFacts;
  readonly heads: { readonly merges: readonly string[]; readonly draws: readonly string[] };
  /** Rows under their heads. */
  readonly merges: readonly (readonly string[])[];
  readonly draws: readonly (readonly string[])[];
  readonly errors: readonly string[];
}

if (options.mergekit === undefined) {
  console.error('usage: node scripts/bench/mergekit.bench.ts --mergekit VENV [--only TEXT] [--json FILE]');
  process.exit(2);
}

const facts = runFacts();
const folder = mkdtempSync(join(tmpdir(), 'twinroute-mergekit-'));
const at = (name: string): string => join(folder, name);

type Shapes = Readonly<Record<string, readonly number[]>>;

/** A base, three experts that moved by a tenth of its spread, and one that hardly moved. */
function makeModels(kind: string, shapes: Shapes, config: object, seed: number): void {
  const base = new Map<string, Float32Array>();
  for (const [model, move] of [
    ['base', 0],
    ['a', 0.1],
    ['b', 0.1],
    ['c', 0.1],
    ['near', 0.025],
  ] as const) {
    const random = createRandom(seed, model);
    const tensors = Object.entries(shapes).map(([name, shape]) => {
      const start = base.get(name);
      const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) =>
        start === undefined ? random.normal() : start[i] + move * random.normal(),
      );
      if (model === 'base') base.set(name, data);
      return [name, { dtype: 'float32', shape, data }] as const;
    });
    mkdirSync(at(`${kind}-${model}`));
    writeFileSync(at(`${kind}-${model}/model.safetensors`), encodeSafetensors(Object.fromEntries(tensors), { format: 'pt' }));
    writeFileSync(at(`${kind}-${model}/config.json`), JSON.stringify(config));
  }
}

function llamaShapes(layers: number, vocabulary: number, width: number, inner: number): Shapes {
  const square = [width, width];
  const inLayers = Array.from({ length: layers }, (_, l) =>
    Object.entries({
      'self_attn.q_proj': square,
      'self_attn.k_proj': square,
      'self_attn.v_proj': square,
      'self_attn.o_proj': square,
      'mlp.gate_proj': [inner, width],
      'mlp.up_proj': [inner, width],
      'mlp.down_proj': [width, inner],
      input_layernorm: [width],
      post_attention_layernorm: [width],
    }).map(([name, shape]) => [`model.layers.${l}.${name}.weight`, shape] as const),
  ).flat();
  return {
    'model.embed_tokens.weight': [vocabulary, width],
    ...Object.fromEntries(inLayers),
    'model.norm.weight': [width],
    'lm_head.weight': [vocabulary, width],
  };
}

function bertShapes(layers: number, vocabulary: number, width: number, inner: number): Shapes {
  const pair = (name: string, rows: number, cols: number): [string, number[]][] => [
    [`${name}.weight`, [rows, cols]],
    [`${name}.bias`, [rows]],
  ];
  const norm = (name: string): [string, number[]][] => [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ];
  const inLayers = Array.from({ length: layers }, (_, l) => {
    const layer = `bert.encoder.layer.${l}`;
    return [
      ...['query', 'key', 'value'].flatMap((name) => pair(`${layer}.attention.self.${name}`, width, width)),
      ...pair(`${layer}.attention.output.dense`, width, width),
      ...norm(`${layer}.attention.output.LayerNorm`),
      ...pair(`${layer}.intermediate.dense`, inner, width),
      ...pair(`${layer}.output.dense`, width, inner),
      ...norm(`${layer}.output.LayerNorm`),
    ];
  }).flat();
  return Object.fromEntries([
    ['bert.embeddings.word_embeddings.weight', [vocabulary, width]],
    ['bert.embeddings.position_embeddings.weight', [32, width]],
    ['bert.embeddings.token_type_embeddings.weight', [2, width]],
    ...norm('bert.embeddings.LayerNorm'),
    ...inLayers,
    ...pair('bert.pooler.dense', width, width),
    ...pair('cls.predictions.transform.dense', width, width),
    ...norm('cls.predictions.transform.LayerNorm'),
    ['cls.predictions.bias', [vocabulary]],
  ]);
}

function casesOf(kind: string): Case[] {
  const [base, a, b, c, near] = ['base', 'a', 'b', 'c', 'near'].map((name) => at(`${kind}-${name}`));
  const model = (path: string, parameters?: object): object => ({ model: path, ...(parameters !== undefined && { parameters }) });
  const about = (method: string, models: readonly object[], parameters?: object): object => ({
    merge_method: method,
    base_model: base,
    models: [model(base), ...models],
    ...(parameters !== undefined && { parameters }),
    dtype: 'float32',
  });
  const three = (parameters: object): object[] => [a, b, c].map((path, i) => model(path, { ...parameters, weight: [1, 0.5, 0.8][i] }));
  const between = (method: string, models: readonly object[], parameters?: object): object => ({
    merge_method: method,
    models,
    ...(parameters !== undefined && { parameters }),
    dtype: 'float32',
  });
  const drops = 'draws at random';
  const oneFactor = 'draws at random; mergekit rescales by one factor a tensor, which favours what is kept more often';
  return [
    { name: 'linear', config: between('linear', three({})) },
    { name: 'linear, not normalised', config: between('linear', three({}), { normalize: false }) },
    {
      name: 'linear, gradients and filters',
      config: between('linear', [
        model(a, { weight: [0, 0.3, 1] }),
        model(b, {
          weight: [{ filter: kind === 'llama' ? 'mlp' : 'output', value: [1, 0.2] }, { value: 0.5 }],
        }),
      ]),
    },
    { name: 'task_arithmetic', config: about('task_arithmetic', three({})) },
    { name: 'task_arithmetic, λ, normalised', config: about('task_arithmetic', three({}), { lambda: 0.7, normalize: true }) },
    { name: 'ties', config: about('ties', three({ density: 0.5 })) },
    { name: 'ties, all kept', config: about('ties', three({})) },
    { name: 'ties, λ, not normalised', config: about('ties', three({ density: 0.3 }), { lambda: 0.5, normalize: false, int8_mask: true }) },
    {
      name: 'ties, gradients and filters',
      config: about('ties', [
        model(a, { weight: 1, density: [0.1, 0.9] }),
        model(b, {
          weight: [{ filter: kind === 'llama' ? 'self_attn' : 'attention', value: 0.4 }, { value: 1 }],
          density: 0.6,
        }),
      ]),
    },
    { name: 'dare_linear, all kept', config: about('dare_linear', three({ density: 1 })) },
    { name: 'dare_ties, all kept', config: about('dare_ties', three({ density: 1 })) },
    { name: 'dare_ties, all kept, normalised', config: about('dare_ties', three({ density: 1 }), { normalize: true }) },
    { name: 'della, all kept', config: about('della', three({ density: 1 })) },
    { name: 'della_linear, all kept', config: about('della_linear', three({ density: 1 })) },
    { name: 'breadcrumbs', config: about('breadcrumbs', three({ density: 0.7, gamma: 0.1 })) },
    { name: 'breadcrumbs, more outliers than may go', config: about('breadcrumbs', three({ density: 0.8, gamma: 0.5 })) },
    { name: 'breadcrumbs_ties', config: about('breadcrumbs_ties', three({ density: 0.6, gamma: 0.05 })) },
    { name: 'sce', config: about('sce', [model(a), model(b), model(c)]) },
    { name: 'sce, half selected', config: about('sce', [model(a), model(b), model(c)], { select_topk: 0.5 }) },
    { name: 'model_stock', config: about('model_stock', [model(a), model(b), model(c)]) },
    {
      name: 'model_stock, by rows',
      config: about('model_stock', [model(a), model(b)], { filter_wise: true }),
      differs: 'mergekit sums cosines in f32; short rows that nearly cancel magnify it',
    },
    {
      name: 'slerp',
      config: { merge_method: 'slerp', base_model: a, models: [model(a), model(b)], parameters: { t: 0.3 }, dtype: 'float32' },
    },
    {
      name: 'slerp, gradients and filters',
      config: {
        merge_method: 'slerp',
        base_model: a,
        slices: [{ sources: [a, b].map((path) => ({ model: path, layer_range: [0, 4] })) }],
        parameters: {
          t: [
            { filter: kind === 'llama' ? 'self_attn' : 'attention', value: [0, 0.5, 0.3, 0.7, 1] },
            { filter: 'output', value: [1, 0.5, 0.7, 0.3, 0] },
            { value: 0.5 },
          ],
        },
        dtype: 'float32',
      },
    },
    { name: 'nuslerp', config: between('nuslerp', [model(a, { weight: 0.7 }), model(b, { weight: 0.3 })]) },
    {
      name: 'slerp, nearly parallel',
      config: { merge_method: 'slerp', base_model: base, models: [model(base), model(near)], parameters: { t: 0.4 }, dtype: 'float32' },
    },
    { name: 'nuslerp, nearly parallel', config: between('nuslerp', [model(base, { weight: 0.6 }), model(near, { weight: 0.4 })]) },
    { name: 'nuslerp about a base', config: { ...about('nuslerp', []), models: [model(a, { weight: 1 }), model(b, { weight: 2 })] } },
    {
      name: 'nuslerp, nuslerp_flatten: false',
      config: between('nuslerp', [model(a, { weight: 0.7 }), model(b, { weight: 0.3 })], { nuslerp_flatten: false }),
    },
    {
      name: 'nuslerp, nuslerp_row_wise',
      config: between('nuslerp', [model(a, { weight: 0.7 }), model(b, { weight: 0.3 })], {
        nuslerp_flatten: false,
        nuslerp_row_wise: true,
      }),
    },
    {
      name: 'passthrough, stacked slices',
      config: {
        merge_method: 'passthrough',
        slices: [
          { sources: [{ model: a, layer_range: [0, 3] }] },
          { sources: [{ model: b, layer_range: [1, 4], parameters: { scale: [{ filter: 'o_proj', value: 0.5 }, { value: 1 }] } }] },
        ],
        dtype: 'float32',
      },
    },
    {
      name: 'linear, slices of two models',
      config: {
        merge_method: 'linear',
        slices: [
          {
            sources: [
              { model: a, layer_range: [0, 2], parameters: { weight: [0.2, 0.9] } },
              { model: b, layer_range: [2, 4], parameters: { weight: 0.5 } },
            ],
          },
          {
            sources: [
              { model: c, layer_range: [3, 4] },
              { model: b, layer_range: [0, 1] },
            ],
            parameters: { weight: 0.5 },
          },
        ],
        dtype: 'float32',
      },
    },
    {
      name: 'ties in bfloat16',
      config: { ...about('ties', three({ density: 0.5 })), dtype: 'bfloat16' },
      differs: 'mergekit casts before it merges, twinroute after',
    },
    { name: 'dare_linear', config: about('dare_linear', three({ density: 0.5 })), seeds: SEEDS, differs: drops },
    { name: 'dare_ties', config: about('dare_ties', [model(a, { density: 0.5, weight: 1 })]), seeds: SEEDS, differs: drops },
    { name: 'della_linear', config: about('della_linear', three({ density: 0.5, epsilon: 0.2 })), seeds: SEEDS, differs: oneFactor },
    { name: 'della', config: about('della', [model(a, { density: 0.5, epsilon: 0.2, weight: 1 })]), seeds: SEEDS, differs: oneFactor },
  ].map((entry) => ({ ...entry, name: `${kind}: ${entry.name}` }));
}

/** Runs jobs `[config file, folder, seed]` by mergekit's documented interface. @returns the message of each failure, by folder */
function runMergekit(venv: string, jobs: readonly (readonly [string, string, number])[]): ReadonlyMap<string, string> {
  const program = [
    'import json, sys, yaml',
    'from mergekit.config import MergeConfiguration',
    'from mergekit.merge import MergeOptions, run_merge',
    'for config, out, seed in json.load(sys.stdin):',
    '    try:',
    '        merge = MergeConfiguration.model_validate(yaml.safe_load(open(config)))',
    '        run_merge(merge, out, MergeOptions(copy_tokenizer=False, write_model_card=False, quiet=True, random_seed=seed))',
    '    except BaseException as error:',
    "        print(json.dumps([out, f'{type(error).__name__}: {error}'[:300]]), flush=True)",
  ].join('\n');
  const { status, signal, stdout, stderr } = spawnSync(join(venv, 'bin', 'python'), ['-c', program], {
    input: JSON.stringify(jobs),
    encoding: 'utf8',
    env: { ...process.env, HF_HUB_OFFLINE: '1', TQDM_DISABLE: '1' },
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`mergekit ended with ${signal ?? status}: ${stderr.slice(-2000)}`);
  return new Map(
    stdout
      .split('\n')
      .filter((line) => line.startsWith('["'))
      .map((line): [string, string] => JSON.parse(line)),
  );
}

async function runOurs(config: string, out: string, seed: number): Promise<string | undefined> {
  let log = '';
  const silent = { write: (text: string) => (log += text) };
  const code = await main(['merge', config, out, '--seed', String(seed)], {
    stdout: silent,
    stderr: silent,
    env: {},
    stopped: () => Promise.resolve(),
  });
  return code === 0 ? undefined : log.trim();
}

type Tensors = ReadonlyMap<string, Float32Array>;

function readTensors(path: string): Promise<Tensors> {
  return withFolder(path, async (source) => {
    const weights = await openWeights(source, 'model');
    const tensors = new Map<string, Float32Array>();
    for (const name of weights.names) tensors.set(name, (await weights.readFloat(name)).data);
    return tensors;
  });
}

/** Largest difference, the tensor that has it, and how many tensors mergekit's definition of the architecture leaves out. */
function compare(ours: Tensors, theirs: Tensors): { worst: number; tensor: string; entries: number; absent: number } {
  const found = { worst: 0, tensor: '', entries: 0, absent: [...ours.keys()].filter((name) => !theirs.has(name)).length };
  for (const [name, other] of theirs) {
    const one = ours.get(name);
    if (one?.length !== other.length) return { ...found, worst: Infinity, tensor: `${name} (${one?.length} and ${other.length} entries)` };
    one.forEach((value, i) => {
      const difference = Math.abs(value - other[i]);
      if (difference > TOLERANCE) found.entries++;
      if (difference > found.worst) Object.assign(found, { worst: difference, tensor: name });
    });
  }
  return found;
}

/** What draws look like: share of entries that differ from the base, and the mean over seeds of what was added against the whole task vectors. */
function describeDraws(draws: readonly Tensors[], base: Tensors, full: Tensors): { kept: number; slope: number } {
  let kept = 0;
  let count = 0;
  let product = 0;
  let square = 0;
  for (const [name, start] of base) {
    const target = full.get(name);
    for (let i = 0; i < start.length; i++) {
      const goal = (target?.[i] ?? 0) - start[i];
      square += goal * goal;
      for (const draw of draws) {
        const added = (draw.get(name)?.[i] ?? 0) - start[i];
        product += (goal * added) / draws.length;
        count++;
        if (added !== 0) kept++;
      }
    }
  }
  return { kept: kept / count, slope: product / square };
}

try {
  const config = {
    vocab_size: 40,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 4,
    num_attention_heads: 2,
    max_position_embeddings: 32,
  };
  makeModels(
    'llama',
    llamaShapes(4, 40, 16, 24),
    {
      ...config,
      model_type: 'llama',
      architectures: ['LlamaForCausalLM'],
      num_key_value_heads: 2,
      rms_norm_eps: 1e-5,
      hidden_act: 'silu',
      torch_dtype: 'float32',
    },
    1,
  );
  makeModels(
    'bert',
    bertShapes(4, 40, 16, 24),
    { ...config, model_type: 'bert', architectures: ['BertForMaskedLM'], type_vocab_size: 2, hidden_act: 'gelu', torch_dtype: 'float32' },
    2,
  );
  const cases = ['llama', 'bert'].flatMap(casesOf).filter(({ name }) => name.includes(options.only));
  const jobs = cases.flatMap(({ config: yaml, seeds = 1 }, i) => {
    writeFileSync(at(`${i}.yaml`), stringify(yaml));
    return Array.from({ length: seeds }, (_, seed) => [at(`${i}.yaml`), at(`theirs-${i}-${seed}`), seed] as const);
  });
  const failures = runMergekit(options.mergekit, jobs);
  const merges: string[][] = [];
  const draws: string[][] = [];
  const errors: string[] = [];
  for (const [i, { name, differs = '', seeds = 1, config: yaml }] of cases.entries()) {
    const failed: string[] = [];
    for (let seed = 0; seed < seeds; seed++) {
      const ours = await runOurs(at(`${i}.yaml`), at(`ours-${i}-${seed}`), seed);
      const theirs = failures.get(at(`theirs-${i}-${seed}`));
      if (ours !== undefined) failed.push(`${name}: twinroute: ${ours}`);
      if (theirs !== undefined) failed.push(`${name}: mergekit: ${theirs}`);
    }
    if (failed.length > 0) errors.push(...failed);
    else if (seeds === 1) {
      const { worst, entries, tensor, absent } = compare(await readTensors(at(`ours-${i}-0`)), await readTensors(at(`theirs-${i}-0`)));
      merges.push([name, worst.toExponential(1), String(entries), tensor, String(absent), differs]);
    } else {
      // The same config with everything kept is the expectation.
      const kept: unknown = JSON.parse(JSON.stringify(yaml), (key, value: unknown) => (key === 'density' ? 1 : value));
      writeFileSync(at(`${i}-full.yaml`), stringify(kept));
      await runOurs(at(`${i}-full.yaml`), at(`full-${i}`), 0);
      const base = await readTensors(at(`${name.split(':')[0]}-base`));
      const full = await readTensors(at(`full-${i}`));
      const describe = async (who: string): Promise<string[]> => {
        const tensors: Tensors[] = [];
        for (let seed = 0; seed < seeds; seed++) tensors.push(await readTensors(at(`${who}-${i}-${seed}`)));
        const { kept, slope } = describeDraws(tensors, base, full);
        return [kept.toFixed(3), slope.toFixed(3)];
      };
      draws.push([name, ...(await describe('ours')), ...(await describe('theirs')), differs]);
    }
  }
  const heads = {
    merges: ['config', 'largest difference', `entries above ${TOLERANCE}`, 'where', 'tensors mergekit lacks', 'why'],
    draws: ['config', 'entries moved', 'mean over seeds / all kept', "mergekit's: moved", 'mean', 'why'],
  };
  console.log(`${table(heads.merges, merges)}\n\n${table(heads.draws, draws)}`);
  for (const error of errors) console.log(error);
  const report: MergekitReport = { facts, heads, merges, draws, errors };
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
