// The contract of every engine: the same answers on TensorFlow, WebGPU and WebAssembly, each in its own process.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { TwinrouteError } from '../../src/core/errors.ts';
import type { Device, EngineDriver, EngineName } from '../../src/build/engine/engine.ts';
import { ENGINES, selectEngine } from '../../src/build/engine/select.ts';
import { SLOPE } from '../../src/build/router/network.ts';
import { operands, PRODUCTS, type Probe, smallHead } from '../helpers/engine-probe.ts';
import { softwareGpu } from '../helpers/software-gpu.ts';

function runProbe(engine: EngineName): Probe {
  const env = engine === 'webgpu' ? { ...process.env, ...softwareGpu() } : process.env;
  const script = join(import.meta.dirname, '../helpers/engine-probe.ts');
  const output = execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', script, engine], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = output.trim().split('\n');
  return JSON.parse(lines[lines.length - 1]);
}

for (const { name } of ENGINES) {
  const probe = runProbe(name);
  const reason = probe.absent === undefined ? '' : ` (skipped: ${probe.absent})`;
  describe.skipIf(probe.absent !== undefined)(`engine ${name}${reason}`, () => {
    contract(name, probe);
  });
}

/** What every engine keeps. */
function contract(name: EngineName, probe: Probe): void {
  const ran = (): Exclude<Probe, { absent: string }> => {
    if (probe.absent === undefined) return probe;
    throw new Error(probe.absent);
  };

  test('says which engine and device', () => {
    const { log, device } = ran();
    expect(log[0]).toBe(`engine ${name}: ${device}`);
    expect(device).not.toBe('');
  });

  test.each(PRODUCTS.map((extents, i) => ({ extents, i })))('multiplies $extents under every flag', ({ extents, i: at }) => {
    const [m, k, n] = extents;
    for (const [f, result] of ran().products[at].entries()) {
      const [transposeA, transposeB] = [(f & 1) === 1, f >= 2];
      const [a, b] = operands(extents, transposeA, transposeB);
      expect([result.rows, result.cols, result.data.length]).toEqual([m, n, m * n]);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++) sum += a.data[transposeA ? l * m + i : i * k + l] * b.data[transposeB ? j * k + l : l * n + j];
          expect(Math.abs(result.data[i * n + j] - sum)).toBeLessThan(1e-4);
        }
      }
    }
  });

  test('refuses unequal inner extents', () => {
    expect(ran().innerError).toBe('shape');
  });

  test('differentiates the loss of a small perceptron', () => {
    const head = smallHead();
    for (const [part, values] of [
      ['bags', head.bags],
      ['weight', head.network.weight],
      ['bias', head.network.bias],
    ] as const) {
      for (const [i, got] of ran().gradients[part].entries()) {
        const at = (shift: number): number => {
          const held = values[i];
          values[i] = held + shift;
          const loss = lossOf(head);
          values[i] = held;
          return loss;
        };
        const numeric = (at(2 ** -10) - at(-(2 ** -10))) / 2 ** -9;
        expect(Math.abs(got - numeric), `${part}[${i}]`).toBeLessThan(2e-3);
      }
    }
  });

  test('softmax and gather', () => {
    const sum = Math.exp(-2) + Math.exp(-1) + 1;
    for (const [i, want] of [Math.exp(-2) / sum, Math.exp(-1) / sum, 1 / sum, 1, 0, 0].entries())
      expect(Math.abs(ran().softmax[i] - want)).toBeLessThan(1e-6);
    expect(ran().gather).toEqual([4, 5, 0, 1, 4, 5]);
  });

  test('gives the same bytes twice', () => {
    const [first, second] = ran().fits;
    expect(first).not.toMatch(/^0*$/);
    expect(second).toBe(first);
  });
}

/** Mean cross-entropy with smoothing 0.1, in f64. */
function lossOf({ bags, labels, network: { width, classes, weight, bias } }: ReturnType<typeof smallHead>): number {
  let loss = 0;
  for (const [r, label] of labels.entries()) {
    const logits = Array.from(bias);
    for (let k = 0; k < width; k++) {
      const value = bags[r * width + k];
      for (let t = 0; t < classes; t++) logits[t] += (value > 0 ? value : SLOPE * value) * weight[k * classes + t];
    }
    const normaliser = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    for (let t = 0; t < classes; t++) loss -= ((t === label ? 0.9 : 0) + 0.1 / classes) * (logits[t] - normaliser);
  }
  return loss / labels.length;
}

describe('selectEngine', () => {
  const driver = (name: EngineName, device: Partial<Device> | undefined): EngineDriver & { closed: number } => ({
    name,
    closed: 0,
    async open() {
      if (device === undefined) throw new TwinrouteError('unavailable', `engine ${name}: expected a device, got none`);
      return { device: `the ${name} device`, tf, close: () => void this.closed++, ...device };
    },
  });
  const select = async (name: string, drivers: readonly EngineDriver[]) => {
    const log: string[] = [];
    const engine = await selectEngine(name, { log: (line) => void log.push(line) }, drivers);
    return { engine, log };
  };

  test('auto takes the first that opens, and says why others were not taken', async () => {
    const software = driver('webgpu', { passedOver: true, slow: 'a software renderer' });
    const { engine, log } = await select('auto', [driver('tensorflow', undefined), software, driver('wasm', { slow: 'one thread' })]);
    expect(engine).toMatchObject({ name: 'wasm', device: 'the wasm device' });
    expect(software.closed).toBe(1);
    expect(log).toEqual([
      'engine tensorflow: expected a device, got none',
      'engine webgpu: passed over, a software renderer (the webgpu device)',
      'engine wasm: the wasm device',
      'engine wasm: slow, one thread',
    ]);
  });

  test('a name takes that engine, passed over or not, or fails with its reason', async () => {
    const drivers = [driver('tensorflow', undefined), driver('webgpu', { passedOver: true }), driver('wasm', {})];
    expect((await select('webgpu', drivers)).engine.name).toBe('webgpu');
    await expect(select('tensorflow', drivers)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(select('auto', drivers.slice(0, 1))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('an unknown engine is a usage error that names the known ones', async () => {
    await expect(select('cuda', ENGINES)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('tensorflow, webgpu, wasm'),
    });
  });

  test('dispose closes the device', async () => {
    const wasm = driver('wasm', {});
    const { engine } = await select('wasm', [wasm]);
    await engine.dispose();
    expect(wasm.closed).toBe(1);
  });
});
