// Probes of what this machine has. Which GPUs that is the tests cannot know; what a probe says has to fit what a session does.

import { expect, test, vi } from 'vitest';
import { DEVICES } from '../../../src/host/devices/device.ts';
import { deviceAnswers } from '../../../src/host/devices/device-answers.ts';
import { probeDevice } from '../../../src/host/devices/probe-device.ts';

test('the CPU is right: itself in f32, within the stated bound in half precision', async () => {
  const report = await probeDevice('cpu');
  expect(report).toMatchObject({ fp32: { error: 0 }, fp16: { error: expect.any(Number) } });
  if ('failed' in report || 'failed' in report.fp16) throw new Error('did not run');
  expect(report.cpuTokensPerSecond).toBeGreaterThan(0);
  expect(report.fp16.error).toBeGreaterThan(0);
  expect(report.fp16.error).toBeLessThan(0.01);
});

test.each(DEVICES.flatMap((device) => (device.name === 'cpu' ? [] : [device.name])))(
  'the probe of %s says what a session here says',
  async (name) => {
    const report = await probeDevice(name);
    expect('failed' in report).toBe(!(await deviceAnswers(name)));
    // For people: no places in onnxruntime's source.
    if ('failed' in report) expect(report.failed).toMatch(/^(?!.*\.cc:\d)./);
  },
);

test('a driver that takes its process with it is a reason, not an end', async () => {
  vi.stubEnv('NODE_OPTIONS', `--import=data:text/javascript,${encodeURIComponent('process.kill(process.pid, "SIGSEGV")')}`);
  expect(await probeDevice('webgpu')).toEqual({ failed: 'expected an answer, got the end of the process (SIGSEGV)' });
  vi.unstubAllEnvs();
});
