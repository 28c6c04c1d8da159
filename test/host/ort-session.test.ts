import { expect, test } from 'vitest';
import type { Tensor } from '../../src/core/tensor.ts';
import { createGraph } from '../../src/formats/onnx/graph.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';

const ECHOED = ['float32', 'int64', 'int32'] as const;

function echo(): Uint8Array {
  const graph = createGraph('echo');
  for (const dtype of ECHOED) graph.output(`${dtype}_out`, graph.input(dtype, dtype, ['n']), dtype, ['n']);
  return graph.encode();
}

test('tensors go in and come out as they are', async () => {
  const session = await createNodeSession(echo(), { threads: 1 });
  const feeds = {
    float32: { dtype: 'float32', shape: [2], data: Float32Array.of(1.5, -0) },
    int64: { dtype: 'int64', shape: [1], data: BigInt64Array.of(-(2n ** 62n)) },
    int32: { dtype: 'int32', shape: [0], data: new Int32Array(0) },
  } as const satisfies Record<string, Tensor>;
  const outputs = await session.run(feeds);
  await session.release();
  expect(outputs).toEqual({ float32_out: feeds.float32, int64_out: feeds.int64, int32_out: feeds.int32 });
});

test('runs may overlap', async () => {
  const session = await createNodeSession(echo(), { threads: 1 });
  const feed = (value: number) => ({
    float32: { dtype: 'float32' as const, shape: [1], data: Float32Array.of(value) },
    int64: { dtype: 'int64' as const, shape: [1], data: BigInt64Array.of(0n) },
    int32: { dtype: 'int32' as const, shape: [1], data: Int32Array.of(0) },
  });
  const answers = await Promise.all([1, 2, 3, 4].map((value) => session.run(feed(value))));
  await session.release();
  expect(answers.map((answer) => answer['float32_out'].data[0])).toEqual([1, 2, 3, 4]);
});

test('bytes that are no model are refused', async () => {
  await expect(createNodeSession(new Uint8Array(100).fill(7))).rejects.toMatchObject({ name: 'TwinrouteError', code: 'format' });
});

test.each([
  ['a missing input', {}],
  ['another element type', { float32: { dtype: 'int32', shape: [1], data: Int32Array.of(1) } }],
  ['an element type that sessions do not take', { float32: { dtype: 'int8', shape: [1], data: Int8Array.of(1) } }],
  ['a tensor that does not fill its shape', { float32: { dtype: 'float32', shape: [3], data: Float32Array.of(1) } }],
] satisfies [string, Record<string, Tensor>][])('%s is refused', async (_, feeds) => {
  const session = await createNodeSession(echo(), { threads: 1 });
  await expect(session.run(feeds)).rejects.toMatchObject({ name: 'TwinrouteError', code: 'shape' });
  await session.release();
});
