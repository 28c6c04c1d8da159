// tfjs on WebGPU, through the npm package `webgpu` (Dawn) where it is installed.

import { TwinrouteError, messageOf } from '../../core/errors.ts';
import type { EngineDriver } from './engine.ts';

/** Software renderers: correct, and far slower than WebAssembly. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software/i;

/** Any adapter that Dawn finds; `auto` passes software renderers over. */
export const webgpu: EngineDriver = {
  name: 'webgpu',
  async open() {
    const gpu = await loadGpu();
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null)
      throw new TwinrouteError(
        'unavailable',
        'engine webgpu: expected an adapter, got none (are a GPU, its driver and the Vulkan loader installed?)',
      );
    const tf = await import('@tensorflow/tfjs');
    const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
    const { info, limits } = adapter;
    const device = await adapter.requestDevice({
      requiredLimits: {
        maxBufferSize: limits.maxBufferSize,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
        maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
        maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
        maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
        maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      },
    });
    // The package's own registration asks for an adapter of its own choice, once in a process.
    tf.removeBackend('webgpu');
    tf.registerBackend('webgpu', () => new WebGPUBackend(device, info));
    if (!(await tf.setBackend('webgpu')))
      throw new TwinrouteError('unavailable', 'engine webgpu: expected a backend, got none that started');
    const title = [info.vendor, info.device, info.description].filter((part) => part !== '').join(' ');
    const software = SOFTWARE.test(title);
    return {
      device: `GPU, WebGPU, ${title}`,
      tf,
      passedOver: software,
      ...(software && { slow: 'a software renderer, far slower than the wasm engine' }),
      close() {
        tf.removeBackend('webgpu');
        device.destroy();
      },
    };
  },
};

/** Node's WebGPU, with the globals that tfjs expects of a browser. */
async function loadGpu(): Promise<GPU> {
  try {
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    const gpu = create([]);
    Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
    return gpu;
  } catch (cause) {
    throw new TwinrouteError('unavailable', `engine webgpu: expected the package webgpu, got ${messageOf(cause).split('\n', 1)[0]}`, {
      cause,
    });
  }
}
