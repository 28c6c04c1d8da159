import { expect, test } from 'vitest';
import { encodeSafetensors, planSafetensors, storeFloats, writeSafetensors } from '../../src/formats/safetensors-writer.ts';

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

test('golden bytes: names in order, metadata first, header padded to 8 bytes', () => {
  const bytes = encodeSafetensors(
    { b: { dtype: 'float32', shape: [1], data: Float32Array.of(1) }, '1': { dtype: 'int8', shape: [], data: Int8Array.of(-1) } },
    { z: '1', format: 'pt' },
  );
  const header =
    '{"__metadata__":{"format":"pt","z":"1"},"1":{"dtype":"I8","shape":[],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}'.padEnd(
      144,
    );
  expect(Buffer.from(bytes)).toEqual(
    Buffer.concat([Uint8Array.of(144, 0, 0, 0, 0, 0, 0, 0), Buffer.from(header), Uint8Array.of(255, 0, 0, 0x80, 0x3f)]),
  );
});

test('streams tensors in name order, asking for each once', async () => {
  const asked: string[] = [];
  const entry = (name: string, value: number) => ({
    name,
    dtype: 'F16' as const,
    shape: [1],
    data: async () => (asked.push(name), storeFloats(Float32Array.of(value), 'F16')),
  });
  const entries = [entry('b', 2), entry('a', 1)];
  const bytes = await collect(writeSafetensors(entries));
  expect(asked).toEqual(['a', 'b']);
  expect([...bytes.subarray(-4)]).toEqual([0, 0x3c, 0, 0x40]);
  expect(bytes.length).toBe(planSafetensors(entries).sizeBytes);
});

test('refuses a producer that gives other bytes than planned', async () => {
  const entry = { name: 'a', dtype: 'F32' as const, shape: [2], data: () => new Float32Array(1) };
  await expect(collect(writeSafetensors([entry]))).rejects.toMatchObject({
    code: 'internal',
    message: 'writeSafetensors: a: expected 8 bytes, got 4',
  });
});

test('refuses a repeated name', () => {
  const entry = { name: 'a', dtype: 'I8' as const, shape: [0] };
  expect(() => planSafetensors([entry, entry])).toThrow('distinct tensor names');
  expect(() => planSafetensors([{ ...entry, name: '__metadata__' }])).toThrow('distinct tensor names');
});

test('an empty file is its header', () => {
  expect([...encodeSafetensors({})]).toEqual([8, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d, 32, 32, 32, 32, 32, 32]);
});
