// Native TensorFlow through tfjs-node-gpu or tfjs-node: packages that the user installs when wanted, never dependencies.

import util from 'node:util';
import { TwinrouteError } from '../../core/errors.ts';
import type { Device, EngineDriver, Tfjs } from './engine.ts';

const PACKAGES = [
  { name: '@tensorflow/tfjs-node-gpu', device: 'GPU, TensorFlow' },
  { name: '@tensorflow/tfjs-node', device: 'CPU, TensorFlow' },
];

/** tfjs-node, the GPU build first. */
export const tensorflow: EngineDriver = {
  name: 'tensorflow',
  async open() {
    prepareProcess();
    const reasons: string[] = [];
    for (const { name, device } of PACKAGES) {
      if (!isInstalled(name)) continue;
      try {
        return await load(name, device);
      } catch (cause) {
        // An addon that was built for another system fails with a page of loader output; its first line tells enough.
        reasons.push(`${name}: ${String(cause).split('\n', 1)[0]}`);
      }
    }
    const why = reasons.length > 0 ? reasons.join('; ') : 'neither is installed';
    throw new TwinrouteError('unavailable', `engine tensorflow: expected ${PACKAGES.map(({ name }) => name).join(' or ')}, got: ${why}`);
  },
};

async function load(name: string, device: string): Promise<Device> {
  const tf: Tfjs = await import(name);
  if (!(await tf.setBackend('tensorflow'))) throw new Error('its backend did not start');
  return { device, tf, close: () => tf.disposeVariables() };
}

/** What tfjs-node 4.22 needs before it is imported. */
function prepareProcess(): void {
  // Node 23 dropped two functions that it calls.
  const legacy: Record<string, unknown> = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  };
  for (const [name, fallback] of Object.entries(legacy)) if (!(name in util)) Object.assign(util, { [name]: fallback });
  // Warnings and errors only; oneDNN's own kernels would announce themselves and vary with the machine.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '0';
  process.env['TF_DETERMINISTIC_OPS'] ??= '1';
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}
