import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTwinrouteError } from '../../src/core/errors.ts';
import { sizeOf, type Tensor } from '../../src/core/tensor.ts';
import { bytesSource } from '../../src/formats/memory-source.ts';
import { encodeSafetensors, storeFloats, writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { openSafetensors } from '../../src/formats/safetensors.ts';

/** A file of a header text and data bytes. */
function file(header: string, data: Uint8Array | number = 0, length?: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
}

const open = (bytes: Uint8Array) => openSafetensors(bytesSource('x', bytes));

describe('malformed files are refused', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['empty file', new Uint8Array(0), /at least 8 bytes, got 0/],
    ['short length field', new Uint8Array(7), /at least 8 bytes, got 7/],
    ['header longer than the file', file('{}', 0, 3), /at most 2 bytes, got a length field of 3/],
    ['header of 2^64 − 1 bytes', new Uint8Array(8).fill(255), /length field/],
    ['no header', file(''), /do not parse/],
    ['no JSON', file('{"a":'), /do not parse/],
    ['no UTF-8', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xff), /do not parse/],
    ['an array', file('[]'), /JSON object as header, got an array/],
    ['a number', file('1'), /JSON object/],
    ['metadata that is no object', file('{"__metadata__":"pt"}'), /__metadata__ to be an object/],
    ['metadata of numbers', file('{"__metadata__":{"a":1}}'), /"a" to be a string, got number/],
    ['an entry that is no object', file('{"a":null}'), /an object of dtype, shape and data_offsets/],
    ['a missing field', file('{"a":{"dtype":"F32","shape":[]}}'), /an object of dtype/],
    ['a further field', file('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"b":1}}', 4), /an object of dtype/],
    ['an unknown dtype', file('{"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,1]}}', 1), /got Q4/],
    ['a dtype of the prototype', file('{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,1]}}', 1), /got toString/],
    ['a negative extent', file('{"a":{"dtype":"I8","shape":[-1],"data_offsets":[0,1]}}', 1), /shape to be/],
    ['a broken extent', file('{"a":{"dtype":"I8","shape":[0.5],"data_offsets":[0,1]}}', 1), /shape to be/],
    ['an extent beyond 2^53', file('{"a":{"dtype":"I8","shape":[9007199254740993],"data_offsets":[0,1]}}', 1), /shape to be/],
    ['a product beyond 2^53', file('{"a":{"dtype":"I8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}'), /for I8/],
    ['17 axes', file(`{"a":{"dtype":"I8","shape":[${Array(17).fill(1).join()}],"data_offsets":[0,1]}}`, 1), /at most 16/],
    ['one offset', file('{"a":{"dtype":"I8","shape":[1],"data_offsets":[1]}}', 1), /two whole numbers/],
    ['offsets in the wrong order', file('{"a":{"dtype":"I8","shape":[1],"data_offsets":[1,0]}}', 1), /inside 1 bytes/],
    ['an end beyond the file', file('{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}', 1), /inside 1 bytes of data, got \[0, 2\]/],
    ['a length that is not the shape’s', file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4), /8 bytes for F32 \[2\], got 4/],
    [
      'an overlap',
      file('{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"I8","shape":[2],"data_offsets":[1,3]}}', 3),
      /an overlap/,
    ],
    [
      'a hole',
      file('{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"I8","shape":[1],"data_offsets":[2,3]}}', 3),
      /a hole/,
    ],
    ['bytes behind the last tensor', file('{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 2), /data to end with the file/],
    ['data without tensors', file('{}', 1), /data to end with the file/],
    [
      'a repeated name',
      file('{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1),
      /without repeated keys, got 4 repeated/,
    ],
    [
      'a name repeated through an escape',
      file('{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"\\u0061":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1),
      /repeated/,
    ],
    ['a repeated field', file('{"a":{"dtype":"F32","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1), /got 1 repeated/],
    ['a repeated metadata key', file('{"__metadata__":{"k":"1","k":"2"}}'), /got 1 repeated/],
    ['deep nesting', file('['.repeat(50_000) + ']'.repeat(50_000)), /JSON object/],
  ];
  test.each(cases)('%s', async (_name, bytes, message) => {
    const error: unknown = await open(bytes).catch((caught: unknown) => caught);
    expect(isTwinrouteError(error) && ['format', 'unsupported'].includes(error.code) ? error.message : error).toMatch(message);
  });
});

test('colons, quotes and braces in names and metadata are no keys', async () => {
  const opened = await open(
    file('{"__metadata__":{"a:b\\"":":{\\\\"},"x:\\"y":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', Uint8Array.of(7)),
  );
  expect(opened.names).toEqual(['x:"y']);
  expect(opened.metadata).toEqual({ 'a:b"': ':{\\' });
});

test('a name like a field of Object is only a name', async () => {
  const opened = await open(file('{"__proto__":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', Uint8Array.of(7)));
  expect(opened.names).toEqual(['__proto__']);
  expect(opened.info('toString')).toBeUndefined();
});

test('reads only the header and the tensor that is asked for', async () => {
  const bytes = encodeSafetensors({
    a: { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) },
    b: { dtype: 'int8', shape: [2], data: Int8Array.of(4, 5) },
  });
  const ranges: [number, number][] = [];
  const source = bytesSource('x', bytes);
  const opened = await openSafetensors({
    ...source,
    read: (offset, length) => (ranges.push([offset, length]), source.read(offset, length)),
  });
  await opened.read('b');
  const headerBytes = bytes.length - 14;
  expect(ranges).toEqual([
    [0, 8],
    [8, headerBytes - 8],
    [headerBytes + 12, 2],
  ]);
});

describe('element types', () => {
  const one = (dtype: string, bytes: number[], extent = 1) =>
    open(file(`{"t":{"dtype":"${dtype}","shape":[${extent}],"data_offsets":[0,${bytes.length}]}}`, Uint8Array.from(bytes)));

  test.each([
    ['F64', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], 1.5],
    ['F32', [0, 0, 0xc0, 0x3f], 1.5],
    ['F16', [0, 0x3e], 1.5],
    ['BF16', [0xc0, 0x3f], 1.5],
  ])('%s as f32', async (dtype, bytes, value) => {
    expect(await (await one(dtype, bytes)).readFloat('t')).toEqual({ dtype: 'float32', shape: [1], data: Float32Array.of(value) });
  });

  test.each<[string, number[], Tensor]>([
    ['F16', [0, 0x3e], { dtype: 'float16', shape: [1], data: Uint16Array.of(0x3e00) }],
    ['BF16', [0xc0, 0x3f], { dtype: 'float32', shape: [1], data: Float32Array.of(1.5) }],
    ['I64', [0xfe, 255, 255, 255, 255, 255, 255, 255], { dtype: 'int64', shape: [1], data: BigInt64Array.of(-2n) }],
    ['I32', [0xfe, 255, 255, 255], { dtype: 'int32', shape: [1], data: Int32Array.of(-2) }],
    ['I8', [0xfe], { dtype: 'int8', shape: [1], data: Int8Array.of(-2) }],
    ['U8', [0xfe], { dtype: 'uint8', shape: [1], data: Uint8Array.of(254) }],
    ['BOOL', [1], { dtype: 'bool', shape: [1], data: Uint8Array.of(1) }],
  ])('%s as stored', async (dtype, bytes, tensor) => {
    expect(await (await one(dtype, bytes)).read('t')).toEqual(tensor);
  });

  test('refuses what it cannot read by name', async () => {
    await expect((await one('I32', [0, 0, 0, 0])).readFloat('t')).rejects.toMatchObject({
      code: 'shape',
      message: 'x: t: expected floats, got I32',
    });
    await expect((await one('F8_E4M3', [0])).readFloat('t')).rejects.toMatchObject({ code: 'unsupported' });
    await expect((await one('U16', [0, 0])).read('t')).rejects.toMatchObject({ code: 'unsupported' });
    await expect((await one('U8', [0])).read('u')).rejects.toMatchObject({ code: 'not_found' });
  });
});

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const tensor = fc.oneof(
  shape.chain((extents) =>
    fc
      .array(fc.float(), { minLength: sizeOf(extents), maxLength: sizeOf(extents) })
      .map((values): Tensor => ({ dtype: 'float32', shape: extents, data: Float32Array.from(values) })),
  ),
  shape.chain((extents) =>
    fc
      .int8Array({ minLength: sizeOf(extents), maxLength: sizeOf(extents) })
      .map((data): Tensor => ({ dtype: 'int8', shape: extents, data: new Int8Array(data) })),
  ),
  shape.chain((extents) =>
    fc
      .array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: sizeOf(extents), maxLength: sizeOf(extents) })
      .map((values): Tensor => ({ dtype: 'int64', shape: extents, data: BigInt64Array.from(values) })),
  ),
);
const tensors = fc.dictionary(
  fc.string({ unit: 'binary' }).filter((name) => name !== '__metadata__' && name.isWellFormed()),
  tensor,
  { maxKeys: 6 },
);

test('what is written is read again, whatever the tensors', async () => {
  await fc.assert(
    fc.asyncProperty(tensors, fc.dictionary(fc.string(), fc.string()), async (written, metadata) => {
      const opened = await open(encodeSafetensors(written, metadata));
      expect(opened.names).toEqual(Object.keys(written).sort());
      expect(new Map(Object.entries(opened.metadata))).toEqual(new Map(Object.entries(metadata)));
      for (const name of opened.names) expect(await opened.read(name)).toEqual(written[name]);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('a cut or flipped file is refused or read, never a crash', async () => {
  await fc.assert(
    fc.asyncProperty(tensors, fc.nat(), fc.nat(7), fc.boolean(), async (written, position, bit, cut) => {
      const bytes = encodeSafetensors(written, { format: 'pt' });
      const at = position % bytes.length;
      const damaged = cut ? bytes.slice(0, at) : bytes.with(at, bytes[at] ^ (1 << bit));
      try {
        const opened = await open(damaged);
        for (const name of opened.names) await opened.read(name);
        expect(cut).toBe(false);
      } catch (error) {
        if (!isTwinrouteError(error)) throw error;
      }
    }),
    { seed: 2, numRuns: 500 },
  );
});

describe('readFloats', () => {
  test.each(['F32', 'F16', 'BF16'] as const)('%s: any range of a tensor, as readFloat has it', async (dtype) => {
    const values = Float32Array.from({ length: 60 }, (_, i) => (i - 30) / 8);
    const chunks: Uint8Array[] = [];
    const entry = { name: 'w', dtype, shape: [6, 10], data: () => storeFloats(values, dtype) };
    for await (const chunk of writeSafetensors([{ name: 'before', dtype: 'U8', shape: [3], data: () => new Uint8Array(3) }, entry]))
      chunks.push(chunk);
    const file = await open(new Uint8Array(Buffer.concat(chunks)));
    const whole = (await file.readFloat('w')).data;
    for (const [start, length] of [
      [0, 60],
      [7, 11],
      [59, 1],
      [20, 0],
    ] as const) {
      const target = new Float32Array(length + 1).fill(9);
      await file.readFloats('w', target.subarray(0, length), start);
      expect([...target]).toEqual([...whole.subarray(start, start + length), 9]);
    }
    await expect(file.readFloats('w', new Float32Array(2), 59)).rejects.toMatchObject({ code: 'shape' });
    await expect(file.readFloats('v', new Float32Array(1))).rejects.toMatchObject({ code: 'not_found' });
    await expect(file.readFloats('before', new Float32Array(1))).rejects.toMatchObject({ code: 'shape' });
  });

  test.each(['F32', 'F16', 'BF16'] as const)('%s: NaN and infinity are refused with their place, wherever they stand', async (dtype) => {
    for (const [at, value] of [
      [0, Infinity],
      [3, -Infinity],
      [6, NaN],
    ] as const) {
      const values = new Float32Array(7).fill(-1.5);
      values[at] = value;
      const chunks: Uint8Array[] = [];
      for await (const chunk of writeSafetensors([{ name: 'w', dtype, shape: [7], data: () => storeFloats(values, dtype) }]))
        chunks.push(chunk);
      const file = await open(new Uint8Array(Buffer.concat(chunks)));
      await expect(file.readFloats('w', new Float32Array(7))).rejects.toThrow(`expected finite values, got ${value} at entry ${at}`);
    }
  });
});
