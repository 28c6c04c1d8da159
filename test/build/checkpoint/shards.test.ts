import { expect, test } from 'vitest';
import { cutShards, shardIndex } from '../../../src/build/checkpoint/shards.ts';

const tensor = (name: string, size: number): { name: string; dtype: 'F16'; shape: number[] } => ({ name, dtype: 'F16', shape: [size] });

test('one file under the limit; shards in order above it, large tensors alone, nothing lost', () => {
  const tensors = [tensor('a', 4), tensor('b', 4), tensor('c', 40), tensor('d', 1), tensor('e', 3)];
  expect(cutShards(tensors, 1000)).toEqual([{ file: 'model.safetensors', tensors }]);
  const shards = cutShards(tensors, 16);
  expect(shards.map(({ file, tensors: own }) => [file, own.map(({ name }) => name).join('')])).toEqual([
    ['model-00001-of-00003.safetensors', 'ab'],
    ['model-00002-of-00003.safetensors', 'c'],
    ['model-00003-of-00003.safetensors', 'de'],
  ]);
  expect(JSON.parse(shardIndex(shards))).toEqual({
    metadata: { total_size: 104 },
    weight_map: { a: shards[0].file, b: shards[0].file, c: shards[1].file, d: shards[2].file, e: shards[2].file },
  });
});
