// Asks a GPU for one product, in this process, and does not let the CPU answer for it.

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { TwinrouteError } from '../../core/errors.ts';
import { createGraph } from '../../formats/onnx/graph.ts';
import type { DeviceName } from './device.ts';

/** Session options under which no node of a graph may fall back to the CPU. */
const ON_DEVICE_ONLY = { extra: { session: { disable_cpu_ep_fallback: '1' } } };

/**
 * Resolves when the GPU computes what it should.
 * @throws {TwinrouteError} `unavailable`, or what onnxruntime throws
 */
export async function askDevice(device: Exclude<DeviceName, 'cpu'>): Promise<void> {
  const graph = createGraph('product');
  const product = graph.node('MatMul', [graph.input('a', 'float32', [1, 2]), graph.input('b', 'float32', [2, 1])]);
  graph.output('y', product, 'float32', [1, 1]);
  const session = await InferenceSession.create(graph.encode(), { executionProviders: [device], ...ON_DEVICE_ONLY });
  const { y } = await session.run({ a: new Tensor('float32', [2, 3], [1, 2]), b: new Tensor('float32', [5, 7], [2, 1]) });
  await session.release();
  if (y.data[0] !== 31) throw new TwinrouteError('unavailable', `device ${device}: expected 2 · 5 + 3 · 7 = 31, got ${y.data[0]}`);
}

/** Whether it does; never rejects. */
export function deviceAnswers(device: Exclude<DeviceName, 'cpu'>): Promise<boolean> {
  return askDevice(device).then(
    () => true,
    () => false,
  );
}
