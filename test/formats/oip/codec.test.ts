// Binary tensors in both directions, and what malformed bytes are told.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OipResponse } from '../../../src/contract/oip.ts';
import { parseJsonWith } from '../../../src/contract/parse.ts';
import { isTwinrouteError } from '../../../src/core/errors.ts';
import { checkJsonDepth } from '../../../src/contract/json-depth.ts';
import { decodeRequest, encodeAnswer } from '../../../src/formats/oip/codec.ts';
import { readNumbers, readTexts, toBytes, type OutputTensor, type RawTensor } from '../../../src/formats/oip/tensors.ts';

/** A body as the binary extension has it: JSON, then the tensors' bytes. */
function binaryBody(
  inputs: readonly { name: string; datatype: string; shape: readonly number[]; bytes: Uint8Array; size?: unknown }[],
  extra = new Uint8Array(0),
) {
  const json = Buffer.from(
    JSON.stringify({
      inputs: inputs.map(({ bytes, size = bytes.length, ...head }) => ({ ...head, parameters: { binary_data_size: size } })),
    }),
  );
  return { body: Buffer.concat([json, ...inputs.map(({ bytes }) => bytes), extra]), jsonLength: String(json.length) };
}

const decode = ({ body, jsonLength }: { body: Uint8Array; jsonLength: string }) => decodeRequest(body, jsonLength).tensors;
const required = (tensors: ReadonlyMap<string, RawTensor>, name: string): RawTensor => {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`no ${name}`);
  return tensor;
};
/** What a function returns, or the code of what it throws. */
const attempt = <T>(fn: () => T): T | string => {
  try {
    return fn();
  } catch (error) {
    return isTwinrouteError(error) ? error.code : String(error);
  }
};
const raw = (datatype: RawTensor['datatype'], shape: number[], bytes: Uint8Array): RawTensor => ({ name: 'x', datatype, shape, bytes });

test('tensors follow each other at any alignment', () => {
  const tensors = decode(
    binaryBody([
      { name: 'text', datatype: 'BYTES', shape: [2], bytes: Uint8Array.of(3, 0, 0, 0, 0x61, 0xc3, 0xa9, 0, 0, 0, 0) },
      { name: 'mix', datatype: 'FP32', shape: [2, 1], bytes: new Uint8Array(Float32Array.of(0.5, 0.25).buffer) },
      { name: 'ids', datatype: 'INT64', shape: [2], bytes: new Uint8Array(BigInt64Array.of(-7n, 1n << 40n).buffer) },
      { name: 'mask', datatype: 'INT32', shape: [1], bytes: new Uint8Array(Int32Array.of(-1).buffer) },
    ]),
  );
  expect(readTexts(required(tensors, 'text'))).toEqual(['aé', '']);
  expect([...readNumbers(required(tensors, 'mix'))]).toEqual([0.5, 0.25]);
  expect([...readNumbers(required(tensors, 'ids'))]).toEqual([-7, 2 ** 40]);
  expect([...readNumbers(required(tensors, 'mask'))]).toEqual([-1]);
});

test('texts survive the way through bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 8 }), (values) => {
      const bytes = toBytes({ name: 'x', datatype: 'BYTES', shape: [values.length], values });
      expect(readTexts(raw('BYTES', [values.length], bytes))).toEqual(values);
    }),
    { seed: 7 },
  );
});

describe('malformed bodies', () => {
  const text = { name: 'text', datatype: 'BYTES', shape: [1], bytes: Uint8Array.of(1, 0, 0, 0, 0x61) };
  test.each([
    ['a JSON length that is no number', { ...binaryBody([text]), jsonLength: 'ten' }, /inference-header-content-length/],
    ['a JSON length of 0', { ...binaryBody([text]), jsonLength: '0' }, /inference-header-content-length/],
    ['a JSON length beyond the body', { ...binaryBody([text]), jsonLength: '9999' }, /9999/],
    ['a JSON length that cuts the JSON', { ...binaryBody([text]), jsonLength: '20' }, /expected JSON/],
    ['a size beyond the body', binaryBody([{ ...text, size: 6 }]), /at most the 5 bytes left, got 6/],
    ['a negative size', binaryBody([{ ...text, size: -1 }]), /got -1/],
    ['a size that is no number', binaryBody([{ ...text, size: '5' }]), /binary_data_size/],
    ['bytes that nobody claims', binaryBody([text], Uint8Array.of(1, 2)), /expected 5 bytes behind the JSON, got 7/],
  ])('%s', (_, body, message) => {
    expect(() => decode(body)).toThrow(message);
  });

  test.each([
    ['a string that ends beyond the tensor', Uint8Array.of(9, 0, 0, 0, 0x61), /end in string 0/],
    ['a length of 4 GiB', Uint8Array.of(255, 255, 255, 255, 0x61), /end in string 0/],
    ['too few strings', Uint8Array.of(0, 0, 0), /end in string 0/],
    ['too many strings', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0), /expected 4 bytes for 1 strings, got 8/],
    ['bytes that are no UTF-8', Uint8Array.of(1, 0, 0, 0, 0xff), /UTF-8/],
  ])('texts: %s', (_, bytes, message) => {
    expect(() => readTexts(raw('BYTES', [1], bytes))).toThrow(message);
  });

  test('numbers: another length than the shape needs', () => {
    expect(() => readNumbers(raw('FP32', [2], new Uint8Array(7)))).toThrow('expected 8 bytes for [2], got 7');
  });

  test('any bytes give an answer or an error of ours', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 4 }), (bytes, count) => {
        const outcome = attempt(() => readTexts(raw('BYTES', [count], bytes)).length);
        expect([count, 'invalid_request']).toContain(outcome);
      }),
      { seed: 8, numRuns: 500 },
    );
  });

  test('brackets in strings do not count as nesting', () => {
    expect(() => checkJsonDepth(JSON.stringify({ a: '[[[[\\"[[[', b: [['x']] }), 3)).not.toThrow();
    expect(() => checkJsonDepth('[[[[', 3)).toThrow('at most 3 deep');
    expect(() => checkJsonDepth('[[],[],[],[]]', 2)).not.toThrow();
  });
});

describe('answers', () => {
  const outputs: readonly OutputTensor[] = [
    { name: 'logits', datatype: 'FP32', shape: [1, 2], values: Float32Array.of(1.5, -2) },
    { name: 'label', datatype: 'BYTES', shape: [1], values: ['né'] },
    { name: 'tokens', datatype: 'INT32', shape: [1], values: Int32Array.of(-3) },
    { name: 'truncated', datatype: 'BOOL', shape: [1], values: [true] },
  ];
  const answer = { modelName: 'glue', modelVersion: '1', outputs };

  test('all in bytes when the request says so', () => {
    const { body, headers } = encodeAnswer(answer, { parameters: { binary_data_output: true } });
    const jsonLength = Number(headers['inference-header-content-length']);
    expect(headers['content-type']).toBe('application/octet-stream');
    expect(JSON.parse(Buffer.from(body.subarray(0, jsonLength)).toString())).toEqual({
      model_name: 'glue',
      model_version: '1',
      outputs: [
        { name: 'logits', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } },
        { name: 'label', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 7 } },
        { name: 'tokens', datatype: 'INT32', shape: [1], parameters: { binary_data_size: 4 } },
        { name: 'truncated', datatype: 'BOOL', shape: [1], parameters: { binary_data_size: 1 } },
      ],
    });
    expect([...body.subarray(jsonLength)]).toEqual([
      0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0, 3, 0, 0, 0, 0x6e, 0xc3, 0xa9, 0xfd, 0xff, 0xff, 0xff, 1,
    ]);
  });

  test('an output decides for itself', () => {
    const wanted = [{ name: 'tokens' }, { name: 'logits', parameters: { binary_data: false } }];
    const { body, headers } = encodeAnswer(answer, { parameters: { binary_data_output: true }, outputs: wanted });
    const jsonLength = Number(headers['inference-header-content-length']);
    expect(JSON.parse(Buffer.from(body).subarray(0, jsonLength).toString())).toMatchObject({
      outputs: [
        { name: 'tokens', parameters: { binary_data_size: 4 } },
        { name: 'logits', data: [1.5, -2] },
      ],
    });
    expect(body.length).toBe(jsonLength + 4);
  });

  test('JSON otherwise', () => {
    const { body, headers } = encodeAnswer(answer, { id: 'a' });
    expect(headers).toEqual({ 'content-type': 'application/json' });
    expect(JSON.parse(new TextDecoder().decode(body))).toMatchObject({
      id: 'a',
      outputs: [{ data: [1.5, -2] }, { data: ['né'] }, { data: [-3] }, { data: [true] }],
    });
  });
});

/** As JSON gives them back. */
const toJsonLike = (values: Iterable<unknown>): unknown => JSON.parse(JSON.stringify([...values]));

/** An output of any datatype with as many values as its shape says. */
const output = fc
  .tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom('FP32', 'INT32', 'BOOL', 'BYTES'))
  .chain(([count, datatype]): fc.Arbitrary<OutputTensor> => {
    const list = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(value, { minLength: count, maxLength: count });
    const head = { name: 'any', shape: [count] };
    if (datatype === 'FP32')
      return list(fc.float({ noNaN: true, noDefaultInfinity: true })).map((values) => ({
        ...head,
        datatype,
        values: Float32Array.from(values),
      }));
    if (datatype === 'INT32')
      return list(fc.maxSafeInteger().map((value) => value | 0)).map((values) => ({ ...head, datatype, values: Int32Array.from(values) }));
    if (datatype === 'BOOL') return list(fc.boolean()).map((values) => ({ ...head, datatype, values }));
    return list(fc.string({ unit: 'grapheme' })).map((values) => ({ ...head, datatype, values }));
  });

test('any outputs, each in bytes or not, are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(output, fc.boolean()), { minLength: 1, maxLength: 6 }), (given) => {
      const outputs = given.map(([tensor], i): OutputTensor => ({ ...tensor, name: `out${i}` }));
      const wanted = given.map(([, binary], i) => ({ name: `out${i}`, parameters: { binary_data: binary } }));
      const { body, headers } = encodeAnswer({ modelName: 'glue', modelVersion: '1', outputs }, { outputs: wanted });
      const length = headers['inference-header-content-length'];
      expect(length !== undefined).toBe(given.some(([, binary]) => binary));
      const json = parseJsonWith(
        OipResponse,
        Buffer.from(body.subarray(0, Number(length ?? body.length))).toString(),
        'answer',
        'internal',
      );
      let offset = Number(length ?? body.length);
      for (const [i, { datatype, data, parameters }] of json.outputs.entries()) {
        const { values } = outputs[i];
        expect(datatype).toBe(outputs[i].datatype);
        const size = Number(parameters?.['binary_data_size'] ?? 0);
        const bytes = body.subarray(offset, offset + size);
        offset += size;
        if (data !== undefined)
          // JSON has no −0.
          expect(data).toEqual(toJsonLike(values));
        else if (datatype === 'BYTES') expect(readTexts(raw(datatype, [values.length], bytes))).toEqual(values);
        else if (datatype === 'BOOL') expect(Array.from(bytes, (byte) => byte === 1)).toEqual(values);
        else expect(Array.from<unknown>(readNumbers(raw(datatype, [values.length], bytes)))).toEqual(Array.from<unknown>(values));
      }
      expect(offset).toBe(body.length);
    }),
    { seed: 9, numRuns: 300 },
  );
});

test('any request, each tensor in bytes or not, is read as it was written, and under another JSON length never as another', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(fc.tuple(texts, fc.boolean()), { minLength: 1, maxLength: 4 }), fc.integer({ min: -3, max: 3 }), (given, off) => {
      const behind = given.flatMap(([values, binary]) =>
        binary ? [toBytes({ name: 'x', datatype: 'BYTES', shape: [values.length], values })] : [],
      );
      let next = 0;
      const inputs = given.map(([values, binary], i) => ({
        name: `in${i}`,
        datatype: 'BYTES',
        shape: [values.length],
        ...(binary ? { parameters: { binary_data_size: behind[next++].length } } : { data: values }),
      }));
      const json = Buffer.from(JSON.stringify({ inputs }));
      const outcome = attempt(() => {
        const { tensors } = decodeRequest(Buffer.concat([json, ...behind]), String(json.length + off));
        return given.map((_, i) => readTexts(required(tensors, `in${i}`)));
      });
      expect(outcome).toEqual(off === 0 ? given.map(([values]) => values) : 'invalid_request');
    }),
    { seed: 10, numRuns: 300 },
  );
});
