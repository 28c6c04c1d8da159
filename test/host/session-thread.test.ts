import { afterAll, beforeAll, expect, test } from 'vitest';
import { toShared } from '../../src/core/shared-floats.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { createGraph } from '../../src/formats/onnx/graph.ts';
import { startSessionThread, type SessionThread } from '../../src/host/session-thread.ts';

let thread: SessionThread;
beforeAll(() => {
  thread = startSessionThread();
});
afterAll(() => thread.close());

function product(): Uint8Array {
  const graph = createGraph('product');
  const [a, b] = [graph.input('a', 'float32', ['n', 2]), graph.input('b', 'float32', [2, 2])];
  graph.output('y', graph.node('MatMul', [a, b]), 'float32', ['n', 2]);
  return graph.encode();
}

const floats = (shape: readonly number[], ...values: number[]): Tensor => ({ dtype: 'float32', shape, data: Float32Array.from(values) });

test('runs over there; feeds may lie on shared memory and stay whole', async () => {
  const session = await thread.create(product(), { threads: 1 });
  const b: Tensor = { dtype: 'float32', shape: [2, 2], data: toShared(Float32Array.of(1, 2, 3, 4)) };
  const a = floats([1, 2], 10, 100);
  const answers = await Promise.all([session.run({ a, b }), session.run({ a: floats([2, 2], 1, 0, 0, 1), b })]);
  expect(answers.map(({ y }) => [...y.data])).toEqual([
    [310, 420],
    [1, 2, 3, 4],
  ]);
  expect([...a.data]).toEqual([10, 100]);
  expect([...b.data]).toEqual([1, 2, 3, 4]);
  await session.release();
});

test('this thread goes on while a graph runs', async () => {
  const graph = createGraph('slow');
  let value = graph.input('a', 'float32', [700, 700]);
  for (let i = 0; i < 40; i++) value = graph.node('MatMul', [value, value]);
  graph.output('y', value, 'float32', [700, 700]);
  const session = await thread.create(graph.encode(), { threads: 1 });
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 1);
  await session.run({ a: { dtype: 'float32', shape: [700, 700], data: new Float32Array(490_000) } });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
  await session.release();
});

test('failures keep their code; the thread goes on', async () => {
  await expect(thread.create(Uint8Array.of(1, 2, 3), {})).rejects.toMatchObject({ code: 'format' });
  const session = await thread.create(product(), { threads: 1 });
  await expect(session.run({ a: floats([1, 2], 1, 2) })).rejects.toMatchObject({ code: 'shape' });
  const { y } = await session.run({ a: floats([1, 2], 1, 2), b: floats([2, 2], 1, 0, 0, 1) });
  expect([...y.data]).toEqual([1, 2]);
  await session.release();
  await expect(session.run({})).rejects.toMatchObject({ code: 'internal' });
});

test('whoever waits for a thread that ends is told', async () => {
  const short = startSessionThread();
  const session = await short.create(product(), { threads: 1 });
  await short.close();
  await expect(session.run({})).rejects.toMatchObject({ code: 'internal' });
});
