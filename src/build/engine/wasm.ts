// tfjs on WebAssembly with SIMD: always there, needs nothing but Node.

import { fileURLToPath } from 'node:url';
import { TwinrouteError } from '../../core/errors.ts';
import type { EngineDriver } from './engine.ts';

/** One thread: tfjs-backend-wasm 4.22 has none in Node. */
export const wasm: EngineDriver = {
  name: 'wasm',
  async open() {
    const tf = await import('@tensorflow/tfjs');
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    if (tf.findBackend('wasm') === null) setWasmPaths(fileURLToPath(new URL('.', import.meta.resolve('@tensorflow/tfjs-backend-wasm'))));
    if (!(await tf.setBackend('wasm'))) throw new TwinrouteError('unavailable', 'engine wasm: expected a backend, got none that started');
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
    return {
      device: simd === true ? 'CPU, WebAssembly SIMD, 1 thread' : 'CPU, WebAssembly, 1 thread',
      tf,
      slow: 'about a quarter of the speed of @tensorflow/tfjs-node, which is used when it is installed',
      close: () => tf.disposeVariables(),
    };
  },
};
