import { expect, test } from 'vitest';
import { createGraph, type FloatPrecision } from '../../../src/formats/onnx/graph.ts';
import { createNodeSession } from '../../../src/host/ort-session.ts';
import type { Tensor } from '../../../src/core/tensor.ts';

/** `y = x · w + cast(n)`, a hidden −1e9 times 0 among it, and `z`, an output that another node reads. */
function emit(precision: FloatPrecision, weights = Float32Array.of(1 / 3, 2, -3, 4)): Uint8Array {
  const graph = createGraph('mixed', precision);
  const [x, n] = [graph.input('x', 'float32', ['rows', 2]), graph.input('n', 'int64', [1])];
  const w = graph.constant('w', 'float32', [2, 2], () => weights);
  const floats = graph.node('Cast', [n], { to: { int: 1 } });
  const masked = graph.node('Mul', [graph.node('Sub', [floats, floats]), graph.scalar(-1e9)]);
  const product = graph.node('MatMul', [x, w]);
  graph.output('z', product, 'float32', ['rows', 2]);
  graph.output('y', graph.node('Add', [graph.node('Add', ['z', floats]), masked]), 'float32', ['rows', 2]);
  graph.output('count', n, 'int64', [1]);
  return graph.encode();
}

const feeds: Record<string, Tensor> = {
  x: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 0.5) },
  n: { dtype: 'int64', shape: [1], data: BigInt64Array.of(7n) },
};

test('half inside, f32 outside: inputs, outputs and integers are as they were', async () => {
  const session = await createNodeSession(emit('fp16'), { threads: 1 });
  const { y, z, count } = await session.run(feeds);
  await session.release();
  expect([y.dtype, z.dtype, count.dtype]).toEqual(['float32', 'float32', 'int64']);
  const third = 0.333251953125; // the half nearest to 1/3
  expect([...y.data]).toEqual([Math.fround(third - 1.5 + 7), 11].map((value) => expect.closeTo(value, 2)));
  expect(z.data[0]).toBeCloseTo(third - 1.5, 3);
  expect(z.data[0]).not.toBe(Math.fround(Math.fround(1 / 3) - 1.5));
});

test('weights take half the room', () => {
  const many = new Float32Array(4).fill(0.1);
  expect(emit('fp32', many).length - emit('fp16', many).length).toBeLessThan(16);
  const large = (precision: FloatPrecision): number => {
    const graph = createGraph('large', precision);
    graph.constant('w', 'float32', [1000], () => new Float32Array(1000));
    return graph.encode().length;
  };
  expect(large('fp32') - large('fp16')).toBe(2000);
});

test.each([Number.NaN, Infinity])('a constant of %s has no half', (value) => {
  expect(() => emit('fp16', Float32Array.of(value, 0, 0, 0))).toThrow(expect.objectContaining({ code: 'unsupported' }));
});
