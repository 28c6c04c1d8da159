// How far a device's answers are from the CPU's, over batches of random twins. `node device-parity.ts SEED…` prints it of WebGPU: a process of its own,
// since a Vulkan loader reads the environment when a process starts.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as z from 'zod/mini';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { createRandom } from '../../src/core/random.ts';
import type { FloatPrecision } from '../../src/formats/onnx/graph.ts';
import type { DeviceName } from '../../src/host/devices/device.ts';
import type { EncodedRows } from '../../src/origin/encoder.ts';
import type { PredictorRow } from '../../src/origin/predictor.ts';
import { randomMix, randomRow, randomTwin } from '../model/random-twin.ts';
import { randomEncoder } from '../origin/random-encoder.ts';
import { maxDifference } from './max-difference.ts';
import { softwareGpu } from './software-gpu.ts';

/** Largest difference of each twin's answers, on `device` in `precision` against the CPU in f32. */
export async function deviceDifferences(
  device: DeviceName,
  precision: FloatPrecision,
  seeds: readonly number[],
): Promise<readonly number[]> {
  const differences: number[] = [];
  for (const seed of seeds) {
    const random = createRandom(seed);
    const twin = randomTwin(random);
    const rows = Array.from({ length: 4 }, (): PredictorRow => {
      const { ids, types } = randomRow(random, twin.config);
      return { ids: Int32Array.from(ids), types: Int32Array.from(types), mix: Float32Array.from(randomMix(random, twin.experts.length)) };
    });
    const run = async (on: { readonly device: DeviceName; readonly precision: FloatPrecision }): Promise<EncodedRows> => {
      const encoder = await randomEncoder(twin, on);
      const encoded = await encoder.run(rows);
      await encoder.release();
      return encoded;
    };
    const [got, want] = [await run({ device, precision }), await run({ device: 'cpu', precision: 'fp32' })];
    differences.push(Math.max(maxDifference(got.pooled.data, want.pooled.data), maxDifference(got.features.data, want.features.data)));
  }
  return differences;
}

/** The same on WebGPU in f32, in a process that finds a software renderer where there is one. */
export async function differencesOnSoftwareGpu(seeds: readonly number[]): Promise<readonly number[]> {
  const env = { ...process.env, ...softwareGpu() };
  const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, ...seeds.map(String)], { env });
  return parseJsonWith(z.array(z.number()), stdout, 'differences', 'internal');
}

if (import.meta.main) console.log(JSON.stringify(await deviceDifferences('webgpu', 'fp32', process.argv.slice(2).map(Number))));
