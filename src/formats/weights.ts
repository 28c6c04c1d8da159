// The weights of a model folder as one set of tensors, whether they lie in one safetensors file or in shards with an index.

import * as z from 'zod/mini';
import { expectFinite } from '../core/assert-finite.ts';
import { TwinrouteError } from '../core/errors.ts';
import type { FloatTensor } from '../core/tensor.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { readText } from './read-text.ts';
import type { StoredType } from './safetensors-types.ts';
import { openSafetensors, type Safetensors, type TensorInfo } from './safetensors.ts';
import type { FolderSource } from './source.ts';

/** An index names each tensor once; 250,000 of them stay below. */
const MAX_INDEX_BYTES = 64 << 20;
/** Every shard is an open file. */
const MAX_SHARDS = 1000;

const ShardIndex = z.object({
  weight_map: z.record(
    z.string(),
    z.string().check(z.regex(/^[\w-][\w.-]{0,200}\.safetensors$/, 'expected the name of a .safetensors file in the same folder')),
  ),
});

/** Open weights. */
export interface Weights {
  /** Names of all tensors, sorted. */
  readonly names: readonly string[];
  /** Of the single file; empty for shards. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Shape of a tensor of `names`. */
  shape(name: string): readonly number[];
  /** Element type of a tensor of `names`. */
  dtype(name: string): StoredType;
  /** @throws {TwinrouteError} `format` when a value is NaN or infinite; otherwise as `Safetensors.readFloat` */
  readFloat(name: string): Promise<FloatTensor>;
  /**
   * Fills `target` with the entries of a tensor from `start` on, row-major.
   * @throws {TwinrouteError} as `Safetensors.readFloats`
   */
  readFloats(name: string, target: Float32Array, start?: number): Promise<void>;
  /** The stored bytes of a tensor. */
  readBytes(name: string): Promise<Uint8Array>;
}

/**
 * Opens `<stem>.safetensors`, or the shards of `<stem>.safetensors.index.json`; reads headers only.
 * @throws {TwinrouteError} `not_found` when there is neither; `unsupported` when there is only a pickle; `format` when a file is malformed
 * or a shard lacks a tensor that the index places in it
 */
export async function openWeights(folder: FolderSource, stem: 'model' | 'adapter_model'): Promise<Weights> {
  const single = await folder.open(`${stem}.safetensors`);
  if (single !== undefined) {
    const file = await openSafetensors(single);
    return weightsOf(folder.name, new Map(file.names.map((name) => [name, file])), file.metadata);
  }
  const indexFile = `${stem}.safetensors.index.json`;
  const index = await readText(folder, indexFile, MAX_INDEX_BYTES);
  if (index === undefined) return refuseOtherFormats(folder, stem);
  return weightsOf(folder.name, await openShards(folder, index, `${folder.name}/${indexFile}`), {});
}

async function openShards(folder: FolderSource, index: string, title: string): Promise<Map<string, Safetensors>> {
  const { weight_map: places } = parseJsonWith(ShardIndex, index, title, 'format');
  const shards = [...new Set(Object.values(places))].sort();
  if (shards.length > MAX_SHARDS)
    throw new TwinrouteError('format', `${title}: expected at most ${MAX_SHARDS} shards, got ${shards.length}`);
  const opened = new Map<string, Safetensors>();
  for (const shard of shards) {
    const source = await folder.open(shard);
    if (source === undefined) throw new TwinrouteError('format', `${title}: expected a shard ${shard}, got none of that name`);
    opened.set(shard, await openSafetensors(source));
  }
  const files = new Map<string, Safetensors>();
  for (const [name, shard] of Object.entries(places)) {
    const file = opened.get(shard);
    if (file?.info(name) === undefined)
      throw new TwinrouteError('format', `${title}: expected ${name} in ${shard}, got a shard without it`);
    files.set(name, file);
  }
  return files;
}

function weightsOf(title: string, files: ReadonlyMap<string, Safetensors>, metadata: Readonly<Record<string, string>>): Weights {
  const missing = (name: string): TwinrouteError =>
    new TwinrouteError('not_found', `${title}: expected a tensor ${name}, got none of that name`);
  const fileOf = (name: string): Safetensors => {
    const file = files.get(name);
    if (file === undefined) throw missing(name);
    return file;
  };
  const infoOf = (name: string): TensorInfo => {
    const info = fileOf(name).info(name);
    if (info === undefined) throw missing(name);
    return info;
  };
  return {
    names: [...files.keys()].sort(),
    metadata,
    shape: (name) => infoOf(name).shape,
    dtype: (name) => infoOf(name).dtype,
    async readFloat(name) {
      const file = fileOf(name);
      return expectFinite(await file.readFloat(name), `${file.name}: ${name}`);
    },
    readFloats: (name, target, start) => fileOf(name).readFloats(name, target, start),
    readBytes: (name) => fileOf(name).readBytes(name),
  };
}

async function refuseOtherFormats(folder: FolderSource, stem: string): Promise<never> {
  const pickle = (await folder.list()).find((file) => /\.(bin|pt|pth|ckpt)$/.test(file) && !file.startsWith('training_args'));
  if (pickle === undefined)
    throw new TwinrouteError('not_found', `${folder.name}: expected ${stem}.safetensors or an index of shards, got neither`);
  throw new TwinrouteError(
    'unsupported',
    `${folder.name}: expected ${stem}.safetensors, got ${pickle}, a pickle, which can run code when it is read; load it where you trust it and save it again with model.save_pretrained(folder)`,
  );
}
