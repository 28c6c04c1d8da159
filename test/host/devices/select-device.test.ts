import { expect, test } from 'vitest';
import type { DeviceName } from '../../../src/host/devices/device.ts';
import type { ProbeReport } from '../../../src/host/devices/probe-report.ts';
import { selectDevice } from '../../../src/host/devices/select-device.ts';

const ABSENT: ProbeReport = { failed: 'no adapter' };
const right = (speed: number, error = 1e-4) => ({ error, tokensPerSecond: 1000 * speed });
const report = (speed: number, changes: Partial<Exclude<ProbeReport, { failed: string }>> = {}): ProbeReport => ({
  cpuTokensPerSecond: 1000,
  fp32: right(speed),
  fp16: right(2 * speed, 1e-2),
  ...changes,
});

/** Selects with these reports; the order of what was probed beside the choice. */
async function select(reports: Partial<Record<DeviceName, ProbeReport>>, device = 'auto', dtype = 'auto') {
  const probed: DeviceName[] = [];
  const choice = await selectDevice({ device, dtype }, (name) => {
    probed.push(name);
    return Promise.resolve(reports[name] ?? ABSENT);
  });
  return { ...choice, probed };
}

test('auto takes the first GPU that is right and faster than the CPU, in half precision', async () => {
  expect(await select({ cuda: report(10), webgpu: report(20) })).toMatchObject({ name: 'cuda', precision: 'fp16', probed: ['cuda'] });
  expect(await select({ webgpu: report(20) })).toMatchObject({
    name: 'webgpu',
    kind: 'gpu',
    precision: 'fp16',
    why: "fp16 is right within 0.010; at 40 times the CPU's speed in a short trial; cuda: no adapter",
  });
});

test('auto passes over what is slower than the CPU, and says why it took the CPU', async () => {
  expect(await select({ webgpu: report(0.004) })).toMatchObject({
    name: 'cpu',
    kind: 'cpu',
    precision: 'fp32',
    why: "no GPU to prefer (cuda: no adapter; webgpu: fp16 is right within 0.010, but at 0.0080 times the CPU's speed in a short trial)",
  });
});

test('a device whose answers are wrong is not used, in that precision', async () => {
  const wrongHalves = report(10, { fp16: right(20, 0.5) });
  expect(await select({ cuda: wrongHalves })).toMatchObject({ name: 'cuda', precision: 'fp32' });
  expect(await select({ cuda: report(10, { fp16: { failed: 'needs f16' } }) })).toMatchObject({
    precision: 'fp32',
    why: expect.stringContaining('fp16 does not run, needs f16'),
  });
  expect(await select({ cuda: report(10, { fp32: right(10, 0.5), fp16: right(10, 0.5) }) })).toMatchObject({ name: 'cpu' });
  await expect(select({ cuda: wrongHalves }, 'cuda', 'fp16')).rejects.toMatchObject({ code: 'unavailable' });
  expect(await select({ cuda: wrongHalves }, 'cuda', 'fp32')).toMatchObject({ name: 'cuda', precision: 'fp32' });
});

test('a named GPU is taken however slow it is, or refused with the reason and with what it needs', async () => {
  expect(await select({ webgpu: report(0.004) }, 'webgpu')).toMatchObject({ name: 'webgpu', probed: ['webgpu'] });
  await expect(select({}, 'cuda')).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^device cuda: expected an NVIDIA GPU.*, got no adapter$/),
  });
});

test('the CPU asked for by name is not tried', async () => {
  expect(await select({}, 'cpu')).toMatchObject({ name: 'cpu', precision: 'fp32', why: 'asked for', probed: [] });
  expect(await select({}, 'cpu', 'fp16')).toMatchObject({ precision: 'fp16' });
});

test.each([
  ['tpu', 'auto'],
  ['auto', 'int8'],
])('device %s with dtype %s is a usage error', async (device, dtype) => {
  await expect(select({}, device, dtype)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('expected auto, ') });
});
