import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../src/core/tensor.ts';
import { createSessionFactory } from '../../src/edge/session.ts';
import { createGraph } from '../../src/formats/onnx/graph.ts';

const create = createSessionFactory(wasm);

/** `y = ids (as f32) · W`, W `[2, 2]`; `same` gives the ids back. */
function model(weights: readonly number[]): Uint8Array {
  const graph = createGraph('tiny');
  const ids = graph.input('ids', 'int64', ['B', 2]);
  const w = graph.constant('w', 'float32', [2, 2], () => Float32Array.from(weights));
  graph.output('y', graph.node('MatMul', [graph.node('Cast', [ids], { to: { int: 1 } }), w]), 'float32', ['B', 2]);
  graph.output('same', graph.node('Identity', [ids]), 'int64', ['B', 2]);
  return graph.encode();
}
const feed = (...values: number[]): { ids: Tensor } => ({
  ids: { dtype: 'int64', shape: [values.length / 2, 2], data: BigInt64Array.from(values, BigInt) },
});

describe('a session on onnxruntime-web', () => {
  test('takes and gives tensors', async () => {
    const session = await create(model([1, 2, 3, 4]));
    const { y, same } = await session.run(feed(1, 2, 3, 4));
    expect(y).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(7, 10, 15, 22) });
    expect(same).toEqual({ dtype: 'int64', shape: [2, 2], data: BigInt64Array.of(1n, 2n, 3n, 4n) });
    await session.release();
  });

  test('runs that overlap, of several sessions, do not mix', async () => {
    const sessions = [await create(model([1, 0, 0, 1])), await create(model([2, 0, 0, 2]))];
    const results = await Promise.all(Array.from({ length: 40 }, (_, i) => sessions[i % 2].run(feed(i, 1))));
    expect(results.map(({ y }) => y.data[0])).toEqual(results.map((_, i) => i * (1 + (i % 2))));
  });

  // A queue of runs must not reach from one request to another: were a client to leave, whoever waits behind it would wait for ever.
  test('a run ends before the next event', async () => {
    const session = await create(model([1, 0, 0, 1]));
    let events = 0;
    const timer = setInterval(() => (events += 1), 0);
    for (let i = 0; i < 50; i++) await session.run(feed(i, i));
    clearInterval(timer);
    expect(events).toBe(0);
  });

  test('outputs stay valid after later runs', async () => {
    const session = await create(model([1, 0, 0, 1]));
    const first = await session.run(feed(5, 6));
    await session.run(feed(7, 8));
    expect([...first.y.data]).toEqual([5, 6]);
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['noise', new Uint8Array(100).fill(7)],
    ['half a model', model([1, 2, 3, 4]).subarray(0, 60)],
  ])('%s is refused, and the next model loads', async (_, bytes) => {
    await expect(create(bytes)).rejects.toMatchObject({ code: 'internal' });
    await expect((await create(model([1, 0, 0, 1]))).run(feed(1, 1))).resolves.toHaveProperty('y');
  });

  test('an input of another type is refused', async () => {
    const session = await create(model([1, 0, 0, 1]));
    await expect(session.run({ ids: { dtype: 'uint8', shape: [1, 2], data: Uint8Array.of(1, 1) } })).rejects.toMatchObject({
      code: 'shape',
    });
    await expect(session.run({ ids: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 1) } })).rejects.toThrow('data type');
    await expect(session.run(feed(1, 1))).resolves.toHaveProperty('y');
  });
});
