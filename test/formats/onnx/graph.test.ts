import { InferenceSession } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import type { DType } from '../../../src/core/tensor.ts';
import { createGraph } from '../../../src/formats/onnx/graph.ts';
import { createNodeSession } from '../../../src/host/ort-session.ts';

test('constants of every element type arrive in onnxruntime as they were given', async () => {
  const graph = createGraph('constants');
  const add = (dtype: DType, value: string): void => {
    graph.output(dtype, graph.node('Cast', [value], { to: { int: 1 } }), 'float32', [2]);
  };
  add(
    'float32',
    graph.constant('c1', 'float32', [2], () => Float32Array.of(-1.5, 2)),
  );
  add(
    'float16',
    graph.constant('c2', 'float16', [2], () => Uint16Array.of(0xbe00, 0x4000)),
  );
  add(
    'int8',
    graph.constant('c3', 'int8', [2], () => Int8Array.of(-128, 127)),
  );
  add(
    'uint8',
    graph.constant('c4', 'uint8', [2], () => Uint8Array.of(0, 255)),
  );
  add(
    'int32',
    graph.constant('c5', 'int32', [2], () => Int32Array.of(-70_000, 70_000)),
  );
  add(
    'int64',
    graph.constant('c6', 'int64', [2], () => BigInt64Array.of(-5n, 5n)),
  );
  add(
    'bool',
    graph.constant('c7', 'bool', [2], () => Uint8Array.of(1, 0)),
  );
  const session = await createNodeSession(graph.encode());
  const outputs = await session.run({});
  await session.release();
  const expected = {
    float32: [-1.5, 2],
    float16: [-1.5, 2],
    int8: [-128, 127],
    uint8: [0, 255],
    int32: [-70_000, 70_000],
    int64: [-5, 5],
    bool: [1, 0],
  };
  expect(Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data, Number)]))).toEqual(expected);
});

test('attributes, left-out inputs, shared constants and symbolic extents', async () => {
  const graph = createGraph('clip');
  const x = graph.input('x', 'float32', ['batch', 3]);
  const clipped = graph.node('Clip', [x, '', graph.scalar(2)]);
  const turned = graph.node('Transpose', [graph.node('Add', [clipped, graph.scalar(2)])], { perm: { ints: [1, 0] } });
  graph.output('y', graph.node('LeakyRelu', [turned], { alpha: { float: 0.5 } }), 'float32', [3, 'batch']);
  const bytes = graph.encode({ made: 'here' });
  const session = await createNodeSession(bytes);
  const { y } = await session.run({ x: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, -4, -5, -6) } });
  await session.release();
  expect(y).toEqual({ dtype: 'float32', shape: [3, 2], data: Float32Array.of(3, -1, 4, -1.5, 4, -2) });
  const raw = await InferenceSession.create(bytes);
  expect(raw.inputMetadata).toMatchObject([{ name: 'x', type: 'float32', shape: ['batch', 3] }]);
  await raw.release();
  expect(Buffer.from(bytes).includes('made') && Buffer.from(bytes).includes('here')).toBe(true);
});

test('two values of one name are a defect', () => {
  const graph = createGraph('twice');
  graph.input('x', 'float32', [1]);
  expect(() => graph.constant('x', 'float32', [1], () => Float32Array.of(1))).toThrow(expect.objectContaining({ code: 'internal' }));
});

test('data that does not fill its shape is a defect', () => {
  const graph = createGraph('short');
  graph.constant('x', 'float32', [2], () => Float32Array.of(1));
  expect(() => graph.encode()).toThrow(expect.objectContaining({ code: 'internal' }));
});
