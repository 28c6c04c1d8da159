// Cuts a model's tensors into files of a bounded size, named as the Hugging Face libraries name them.

import { sizeOf } from '../../core/tensor.ts';
import type { PlannedTensor } from '../../formats/safetensors-writer.ts';
import { STORED_BYTES } from '../../formats/safetensors-types.ts';

/** One file. */
export interface Shard<T> {
  readonly file: string;
  readonly tensors: readonly T[];
}

/** Bytes of a tensor's data. */
export function bytesOf({ shape, dtype }: PlannedTensor): number {
  return sizeOf(shape) * STORED_BYTES[dtype];
}

/**
 * `model.safetensors`, or shards of at most `limit` bytes of data in the order given; a tensor above the limit has a file of its own.
 */
export function cutShards<T extends PlannedTensor>(tensors: readonly T[], limit: number): readonly Shard<T>[] {
  const groups: T[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    if (filled > 0 && filled + bytes > limit) {
      groups.push([]);
      filled = 0;
    }
    groups[groups.length - 1].push(tensor);
    filled += bytes;
  }
  if (groups.length === 1) return [{ file: 'model.safetensors', tensors: groups[0] }];
  const five = (number: number): string => String(number).padStart(5, '0');
  return groups.map((group, i) => ({ file: `model-${five(i + 1)}-of-${five(groups.length)}.safetensors`, tensors: group }));
}

/** model.safetensors.index.json of shards. */
export function shardIndex<T extends PlannedTensor>(shards: readonly Shard<T>[]): string {
  const places = shards.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file] as const));
  const total = shards.reduce((sum, { tensors }) => tensors.reduce((size, tensor) => size + bytesOf(tensor), sum), 0);
  return `${JSON.stringify({ metadata: { total_size: total }, weight_map: Object.fromEntries(places) }, null, 2)}\n`;
}
