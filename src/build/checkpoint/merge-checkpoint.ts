// The merge of a plan into a Hugging Face folder, out of core: each tensor is read, merged, converted and written before the next one, so
// that memory holds one tensor of every model, whatever the size of the models.

import * as z from 'zod/mini';
import type { MatMul } from '../../core/linalg/matrix.ts';
import type { Progress } from '../../core/progress.ts';
import { sizeOf } from '../../core/tensor.ts';
import { MERGE_RECORD_FILE, MergeRecord } from '../../contract/merge-record.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { readText } from '../../formats/read-text.ts';
import type { StoredType } from '../../formats/safetensors-types.ts';
import { writeSafetensors } from '../../formats/safetensors-writer.ts';
import type { ByteSource, FolderSource } from '../../formats/source.ts';
import { writeFolder } from '../../host/atomic-folder.ts';
import { createSha256 } from '../../host/files.ts';
import { startHashThread } from '../../host/hash-thread.ts';
import { withFolder } from '../../host/with-folder.ts';
import { createPackFiles, type PackFiles } from '../pack-files.ts';
import { readProvenance } from '../provenance.ts';
import { mergeCard } from './card.ts';
import type { MergePlan } from './plan-merge.ts';
import { createMerger } from './merger.ts';
import type { TensorPlan } from './plan-tensors.ts';
import type { ResultTokenizer } from './result-tokenizer.ts';
import { cutShards, shardIndex } from './shards.ts';

/** What a merge runs on and tells. */
export interface MergeDeps {
  readonly matmul: MatMul;
  /** The engine that took products so far. */
  readonly engineName: () => string;
  readonly progress: Progress;
  readonly producer: string;
  readonly seed: number;
  /** Largest shard. */
  readonly shardBytes: number;
}

/** Files of the tokenizer's folder that go along as they are: tokenizers of every kind, and how to generate. */
const COMPANION =
  /^(tokenizer.*|vocab.*|merges\.txt|.*\.model|special_tokens_map\.json|added_tokens\.json|chat_template.*|generation_config\.json|preprocessor_config\.json)$/;
/** Those of them that list tokens: no longer true beside a tokenizer.json of its own. */
const TOKEN_LIST = /^(vocab.*|merges\.txt|.*\.model|added_tokens\.json)$/;
/** Fields of config.json that say which token means what. */
const TOKEN_FIELD = /_token_id$/;
const MAX_JSON_BYTES = 128 << 20;
const MAX_RECORD_BYTES = 64 << 20;
const AnyObject = z.looseObject({});
/** What models call their number of layers. */
const LAYER_FIELDS = ['num_hidden_layers', 'n_layer', 'num_layers', 'n_layers'];
const TORCH_NAMES: Partial<Record<StoredType, string>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/**
 * Writes the merged checkpoint.
 * @param out folder that is made, or replaced when it is an earlier merge; untouched when the merge fails
 * @throws {TwinrouteError} `numeric` when a result is not finite or does not fit its type; whatever reading and writing throw
 * Cost: reads every input twice, once for its hash
 */
export async function mergeCheckpoint(plan: MergePlan, out: string, deps: MergeDeps): Promise<MergeRecord> {
  return writeFolder(out, isMerge, async (folder) => {
    const files = createPackFiles(folder);
    const models = await whileHashing(plan, () => writeTensors(plan, files, deps));
    await writeCompanions(plan, files);
    const draft = {
      schema: 1,
      producer: deps.producer,
      method: plan.method.name,
      seed: deps.seed,
      engine: deps.engineName(),
      models,
      tensors: plan.plan.tensors.length,
      parameters: plan.plan.tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      notices: [...plan.notices],
      config: plan.text,
      files: files.written(),
    } satisfies MergeRecord;
    await files.write('README.md', mergeCard(draft));
    const record = { ...draft, files: files.written() };
    await folder.write(MERGE_RECORD_FILE, new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`));
    return record;
  });
}

/** Where the models come from, hashed by another thread while `work` goes on; when that fails, the hashing ends with the file it is at. */
async function whileHashing(plan: MergePlan, work: () => Promise<void>): Promise<MergeRecord['models']> {
  const stop = new AbortController();
  const origins = readOrigins(plan, stop.signal);
  origins.catch(() => undefined); // it is awaited below, but may fail before
  try {
    await work();
  } catch (error) {
    stop.abort();
    await origins.catch(() => undefined);
    throw error;
  }
  return origins;
}

async function readOrigins({ inputs }: MergePlan, signal: AbortSignal): Promise<MergeRecord['models']> {
  const thread = startHashThread();
  const hash = ({ name }: ByteSource): Promise<string> => {
    signal.throwIfAborted();
    return thread.hash(name);
  };
  try {
    const models: MergeRecord['models'] = [];
    for (const { model, kind, folder } of inputs)
      models.push({ model, kind, provenance: await readProvenance(folder, createSha256, hash) });
    return models;
  } finally {
    await thread.close();
  }
}

/** Whether a folder is an earlier merge. */
async function isMerge(path: string): Promise<boolean> {
  return withFolder(path, async (folder) => {
    const text = await readText(folder, MERGE_RECORD_FILE, MAX_RECORD_BYTES).catch(() => undefined);
    return text !== undefined && z.safeParse(MergeRecord, JSON.parse(text)).success;
  }).catch(() => false);
}

async function writeTensors({ plan, method }: MergePlan, files: PackFiles, deps: MergeDeps): Promise<void> {
  const tensors = plan.tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const shards = cutShards(tensors, deps.shardBytes);
  const merger = createMerger(method, deps);
  let done = 0;
  for (const { file, tensors: own } of shards) {
    const producers = own.map((tensor) => ({
      ...tensor,
      data: async () => {
        deps.progress({ stage: 'merge', done: done++, total: tensors.length, note: tensor.name });
        return merger(tensor);
      },
    }));
    await files.write(file, writeSafetensors(producers, { format: 'pt' }));
  }
  if (shards.length > 1) await files.write('model.safetensors.index.json', shardIndex(shards));
  deps.progress({ stage: 'merge', done: tensors.length, total: tensors.length });
}

/** config.json with the type and the layers of the result, and the tokenizer's files. */
async function writeCompanions({ frame, tokenizer, plan }: MergePlan, files: PackFiles): Promise<void> {
  if ((await frame.open('config.json')) !== undefined) await files.write('config.json', await resultConfig(frame, tokenizer, plan));
  for (const file of await tokenizer.folder.list()) {
    if (!COMPANION.test(file) || (tokenizer.json !== undefined && TOKEN_LIST.test(file))) continue;
    const source = await tokenizer.folder.open(file);
    if (file === 'tokenizer.json' && tokenizer.json !== undefined) await files.write(file, tokenizer.json);
    else if (source !== undefined) await files.write(file, await source.read(0, source.sizeBytes));
  }
}

async function resultConfig(
  frame: FolderSource,
  { folder, rows }: ResultTokenizer,
  { layers, tensors }: Pick<TensorPlan, 'layers' | 'tensors'>,
): Promise<string> {
  const config = await readConfig(frame);
  if (rows !== undefined && 'vocab_size' in config) config['vocab_size'] = rows;
  if (rows !== undefined && folder !== frame)
    for (const [field, value] of Object.entries(await readConfig(folder))) if (TOKEN_FIELD.test(field)) config[field] = value;
  const types = [...new Set(tensors.filter(({ copy }) => copy === undefined).map(({ dtype }) => TORCH_NAMES[dtype]))];
  if (types.length === 1 && types[0] !== undefined) config['dtype' in config ? 'dtype' : 'torch_dtype'] = types[0];
  if (layers !== undefined) for (const field of LAYER_FIELDS) if (field in config) config[field] = layers;
  return `${JSON.stringify(config, null, 2)}\n`;
}

async function readConfig(folder: FolderSource): Promise<Record<string, unknown>> {
  const text = (await readText(folder, 'config.json', MAX_JSON_BYTES)) ?? '{}';
  return { ...parseJsonWith(AnyObject, text, `${folder.name}/config.json`, 'format') };
}
