// As test/origin/devices.test.ts, over more twins: a software renderer takes seconds to compile the programs of each.

import { expect, test } from 'vitest';
import { differencesOnSoftwareGpu } from '../helpers/device-parity.ts';
import { softwareGpu } from '../helpers/software-gpu.ts';

const gpu = softwareGpu();

test.skipIf(gpu === undefined)(
  `WebGPU computes what the CPU computes, for many twins${gpu === undefined ? ' (skipped: no Vulkan driver here)' : ''}`,
  async () => {
    const seeds = Array.from({ length: 8 }, (_, i) => i + 2);
    const differences = await differencesOnSoftwareGpu(seeds);
    expect(differences).toHaveLength(seeds.length);
    for (const difference of differences) expect(difference).toBeLessThan(1e-5);
  },
);
