// Whether other programs answer as the origin does when they load what `twinroute export` wrote: transformers, peft (each adapter, and a
// weighted `cat` of two; not of a pack of masks, which has no adapters) and a plain onnxruntime session. Prints the largest difference of logits and fails above 1e-4.
//
//   node scripts/bench/exports.bench.ts --python PYTHON [--pack packs/sample] [--rows 20] [--json FILE]
//
// PYTHON is an interpreter with torch, transformers and peft. Texts are the experts' own examples.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exportPack } from '../../src/build/export/export-pack.ts';
import type { ExportOptions } from '../../src/build/export/format.ts';
import { exportFormat } from '../../src/build/export/registry.ts';
import { parseMix, mixVector, type Mix } from '../../src/core/mix.ts';
import { openPack } from '../../src/formats/pack.ts';
import { createSha256, openFolder } from '../../src/host/files.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { encoderFeeds } from '../../src/model/encoder-feeds.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import { table } from '../../src/cli/table.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';

const ROOT = join(import.meta.dirname, '../..');
const LIMIT = 1e-4;

const { values: options } = parseArgs({
  options: {
    python: { type: 'string' },
    pack: { type: 'string', default: join(ROOT, 'packs/sample') },
    rows: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
});
if (options.python === undefined)
  throw new Error('exports.bench: expected --python with an interpreter that has torch, transformers and peft');

/** Reads jobs from stdin and answers each with a list of logits a text. */
const PEER = `
import json, os, sys, tempfile, torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, logging
logging.set_verbosity_error()
logging.disable_progress_bar()
torch.set_num_threads(1)

def tokens(folder, rows):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer(text, pair, return_tensors='pt', truncation=True) for text, pair in rows]

def without_head(folder, out):
    '''peft combines only adapters without heads of their own.'''
    os.mkdir(out)
    config = json.load(open(folder + '/adapter_config.json'))
    json.dump({**config, 'task_type': None, 'modules_to_save': None}, open(out + '/adapter_config.json', 'w'))
    weights = load_file(folder + '/adapter_model.safetensors')
    save_file({name: value for name, value in weights.items() if '.lora_' in name}, out + '/adapter_model.safetensors')
    return out, weights['base_model.model.classifier.weight'], weights['base_model.model.classifier.bias']

def load_base(folder, adapter):
    return AutoModelForSequenceClassification.from_pretrained(folder + '/base', config=AutoConfig.from_pretrained(folder + '/' + adapter))

def answer_cat(folder, adapters, weights, rows):
    base = load_base(folder, adapters[0])
    with tempfile.TemporaryDirectory() as work:
        plain = [without_head(folder + '/' + name, work + '/' + name) for name in adapters]
        model = PeftModel.from_pretrained(base, plain[0][0], adapter_name=adapters[0])
        for name, (path, _, _) in list(zip(adapters, plain))[1:]:
            model.load_adapter(path, adapter_name=name)
    model.add_weighted_adapter(adapters, weights, 'both', combination_type='cat')
    model.set_adapter('both')
    model.eval()
    _, weight, bias = plain[0]
    return [torch.nn.functional.linear(base.bert(**row).pooler_output, weight, bias)[0].tolist() for row in rows]

@torch.no_grad()
def answer(job):
    rows = tokens(job['tokenizer'], job['rows'])
    folder, adapters = job['folder'], job['adapters']
    if len(adapters) == 0:
        model = AutoModelForSequenceClassification.from_pretrained(folder)
    elif len(adapters) == 1:
        model = PeftModel.from_pretrained(load_base(folder, adapters[0]), folder + '/' + adapters[0])
    else:
        return answer_cat(folder, adapters, job['weights'], rows)
    return [model.eval()(**row).logits[0].tolist() for row in rows]

print(json.dumps([answer(job) for job in json.load(sys.stdin)]))
`;

/** What `--json` writes. */
export interface ExportsReport {
  readonly facts: RunFacts;
  readonly pack: string;
  /** Largest difference of a logit. */
  readonly limit: number;
  readonly results: readonly { readonly who: string; readonly rows: number; readonly difference: number }[];
}

interface Row {
  readonly text: string;
  readonly text_pair?: string;
}

const facts = runFacts();
const folder = await openFolder(options.pack);
const pack = await openPack(folder, createSha256);
const names = pack.manifest.experts.map((expert) => expert.name);
const perExpert = Math.ceil(Number(options.rows) / names.length);
const rows: Row[] = names
  .flatMap((name) =>
    readFileSync(join(ROOT, 'experts', name, 'examples.jsonl'), 'utf8')
      .split('\n')
      .slice(0, perExpert)
      .map((line): Row => JSON.parse(line)),
  )
  .slice(0, Number(options.rows));
const predictor = await loadPredictor(pack);

/** The origin's logits of one head for every row under one mix. */
async function originLogits(mix: Mix, head: string): Promise<number[][]> {
  const outputs: number[][] = [];
  for (const { text, text_pair } of rows) {
    const { ids, types } = predictor.encode(text, text_pair);
    const [{ logits }] = await predictor.run([{ ids, types, mix: mixVector(mix, names) }]);
    outputs.push(Array.from(logits(names.indexOf(head))));
  }
  return outputs;
}

const work = mkdtempSync(join(tmpdir(), 'twinroute-exports-'));
const write = (format: string, out: string, settings: ExportOptions): Promise<unknown> =>
  exportPack(pack, exportFormat(format), join(work, out), settings, 'exports.bench');
const [first, second] = names;
// Whole 256ths, to which an origin rounds where it merges weights for each mix.
const both = parseMix({ [first]: 0.625, [second]: 0.375 }, names);

try {
  await write('hf', 'hf', { mix: both });
  const hasAdapters = pack.manifest.method === 'twin';
  if (hasAdapters) await write('peft', 'peft', {});
  await write('onnx', 'onnx', { mix: both });
  const pairs = rows.map(({ text, text_pair }) => [text, text_pair ?? null]);
  const job = { rows: pairs, tokenizer: join(work, 'hf'), folder: join(work, 'peft') };
  const jobs = [
    {
      name: `transformers, ${first} × 0.625 + ${second} × 0.375`,
      mix: both,
      head: first,
      ...job,
      folder: join(work, 'hf'),
      adapters: [],
      weights: [],
    },
    ...(hasAdapters ? names : []).map((name) => ({
      name: `peft, ${name}`,
      mix: parseMix({ [name]: 1 }, names),
      head: name,
      ...job,
      adapters: [name],
      weights: [1],
    })),
    ...(hasAdapters
      ? [
          {
            name: `peft, cat of ${first} × 0.625 + ${second} × 0.375`,
            mix: both,
            head: first,
            ...job,
            adapters: [first, second],
            weights: [0.625, 0.375],
          },
        ]
      : []),
  ];
  const run = spawnSync(options.python, ['-c', PEER], {
    input: JSON.stringify(jobs),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, HF_HUB_OFFLINE: '1' },
  });
  if (run.status !== 0) throw new Error(`${options.python}: expected logits, got exit status ${run.status}`);
  const answers: number[][][] = JSON.parse(run.stdout);
  const results: { who: string; rows: number; difference: number }[] = [];
  const compare = async (who: string, logits: readonly (readonly number[])[], mix: Mix, head: string): Promise<void> => {
    const wanted = await originLogits(mix, head);
    const difference = Math.max(...wanted.flatMap((row, i) => row.map((value, c) => Math.abs(value - logits[i][c]))));
    results.push({ who, rows: rows.length, difference });
  };
  for (const [i, { name, mix, head }] of jobs.entries()) await compare(name, answers[i], mix, head);
  const session = await createNodeSession(readFileSync(join(work, 'onnx/model.onnx')));
  const folded: number[][] = [];
  for (const { text, text_pair } of rows)
    folded.push([...Float32Array.from((await session.run(encoderFeeds([predictor.encode(text, text_pair)])))['logits'].data, Number)]);
  await session.release();
  await compare(`onnxruntime, ${first} × 0.625 + ${second} × 0.375 folded`, folded, both, first);
  const report: ExportsReport = { facts, pack: pack.manifest.config, limit: LIMIT, results };
  publish(options.json, report, () =>
    table(
      ['who', 'rows', 'largest |Δ logit|'],
      results.map(({ who, rows: count, difference }) => [who, String(count), difference.toExponential(2)]),
    ),
  );
  if (!results.every(({ difference }) => difference <= LIMIT)) process.exitCode = 1;
} finally {
  await predictor.release();
  await folder.close();
  rmSync(work, { recursive: true });
}
