// The merge of a plan into a Hugging Face folder, out of core: each tensor is read, merged, converted and written before the next one, so
// that memory holds one tensor of every model, whatever the size of the models.

import * as z from 'zod/mini';
import { TwinrouteError } from '../../core/errors.ts';
import type { MatMul } from '../../core/linalg/matrix.ts';
import { mergeTensor, type StaticMethod } from '../../core/merge/method.ts';
import type { Progress } from '../../core/progress.ts';
import { createRandom } from '../../core/random.ts';
import { sizeOf } from '../../core/tensor.ts';
import { MERGE_RECORD_FILE, MergeRecord } from '../../contract/merge-record.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { readText } from '../../formats/read-text.ts';
import type { StoredType } from '../../formats/safetensors-types.ts';
import { storeFloats, writeSafetensors } from '../../formats/safetensors-writer.ts';
import type { FolderSource } from '../../formats/source.ts';
import { writeFolder } from '../../host/atomic-folder.ts';
import { createSha256 } from '../../host/files.ts';
import { withFolder } from '../../host/with-folder.ts';
import { createPackFiles, type PackFiles } from '../pack-files.ts';
import { readProvenance } from '../provenance.ts';
import { mergeCard } from './card.ts';
import type { MergePlan } from './plan-merge.ts';
import type { PlannedMerge } from './plan-tensors.ts';
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

/** Files of the frame that go along as they are: tokenizers of every kind, and how to generate. */
const COMPANION =
  /^(tokenizer.*|vocab.*|merges\.txt|.*\.model|special_tokens_map\.json|added_tokens\.json|chat_template.*|generation_config\.json|preprocessor_config\.json)$/;
const MAX_JSON_BYTES = 128 << 20;
const MAX_RECORD_BYTES = 64 << 20;
const AnyObject = z.looseObject({});
/** What models call their number of layers. */
const LAYER_FIELDS = ['num_hidden_layers', 'n_layer', 'num_layers', 'n_layers'];
const LARGEST: Partial<Record<StoredType, number>> = { F16: 65_504, BF16: 3.3895314e38 };
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
    const models: MergeRecord['models'] = [];
    for (const { model, kind, folder: input } of plan.inputs) {
      deps.progress({ stage: 'hash', done: models.length, total: plan.inputs.length, note: model });
      models.push({ model, kind, provenance: await readProvenance(input, createSha256) });
    }
    deps.progress({ stage: 'hash', done: models.length, total: models.length });
    await writeTensors(plan, files, deps);
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
  let done = 0;
  for (const { file, tensors: own } of shards) {
    const producers = own.map((tensor) => ({
      ...tensor,
      data: async () => {
        deps.progress({ stage: 'merge', done: done++, total: tensors.length, note: tensor.name });
        return bytesOfMerged(tensor, method, deps);
      },
    }));
    await files.write(file, writeSafetensors(producers, { format: 'pt' }));
  }
  if (shards.length > 1) await files.write('model.safetensors.index.json', shardIndex(shards));
  deps.progress({ stage: 'merge', done: tensors.length, total: tensors.length });
}

async function bytesOfMerged(tensor: PlannedMerge, method: StaticMethod, { seed, matmul }: MergeDeps): Promise<ArrayBufferView> {
  const { name, shape, dtype, copy, base: baseOrigin, experts, parameters, expertParameters } = tensor;
  if (copy !== undefined) return copy.model.readBytes(copy.name);
  const base = baseOrigin === undefined ? new Float32Array(sizeOf(shape)) : (await baseOrigin.model.readFloat(baseOrigin.name)).data;
  const vectors: Float32Array[] = [];
  for (const expert of experts) {
    const { data } = await expert.model.readFloat(expert.name);
    if (baseOrigin !== undefined) for (let i = 0; i < data.length; i++) data[i] -= base[i];
    vectors.push(data);
  }
  const merged = await mergeTensor(method, {
    name,
    shape,
    base,
    vectors,
    parameters,
    experts: expertParameters,
    random: createRandom(seed, name),
    matmul,
  });
  return store(merged, dtype, name);
}

function store(values: Float32Array, dtype: StoredType, name: string): ArrayBufferView {
  const largest = LARGEST[dtype] ?? Infinity;
  for (let i = 0; i < values.length; i++)
    if (Math.abs(values[i]) > largest)
      throw new TwinrouteError('numeric', `${name}: expected merged weights within ±${largest} for ${dtype}, got ${values[i]}`, {
        param: 'dtype',
      });
  return dtype === 'F64' ? Float64Array.from(values) : storeFloats(values, dtype === 'F16' || dtype === 'BF16' ? dtype : 'F32');
}

/** config.json with the type and the layers of the result, and the tokenizer's files. */
async function writeCompanions({ frame, plan }: MergePlan, files: PackFiles): Promise<void> {
  for (const file of await frame.list()) {
    if (file === 'config.json') await files.write(file, await resultConfig(frame, plan.layers, plan.tensors));
    else if (COMPANION.test(file)) {
      const source = await frame.open(file);
      if (source !== undefined) await files.write(file, await source.read(0, source.sizeBytes));
    }
  }
}

async function resultConfig(frame: FolderSource, layers: number | undefined, tensors: readonly PlannedMerge[]): Promise<string> {
  const text = (await readText(frame, 'config.json', MAX_JSON_BYTES)) ?? '{}';
  const config = { ...parseJsonWith(AnyObject, text, `${frame.name}/config.json`, 'format') };
  const types = [...new Set(tensors.filter(({ copy }) => copy === undefined).map(({ dtype }) => TORCH_NAMES[dtype]))];
  if (types.length === 1 && types[0] !== undefined) config['dtype' in config ? 'dtype' : 'torch_dtype'] = types[0];
  if (layers !== undefined) for (const field of LAYER_FIELDS) if (field in config) config[field] = layers;
  return `${JSON.stringify(config, null, 2)}\n`;
}
