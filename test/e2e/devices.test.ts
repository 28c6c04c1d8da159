// An origin on WebGPU answers as one on the CPU does, for every way to serve a pack, and says what it runs on.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OipModelConfig, OipModelMetadata, OipResponse, OipServerMetadata } from '../../src/contract/oip.ts';
import { parseWith } from '../../src/contract/parse.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { softwareGpu } from '../helpers/software-gpu.ts';
import { buildTinyPack, makeTinyInputs, TINY_EXPERTS, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { start, startWith, type Program } from './program.ts';

const METHODS = ['twin', 'emr', 'wemoe'] as const;
const gpu = softwareGpu();

let inputs: TinyInputs[] = [];
let programs: Program[] = [];

describe.skipIf(gpu === undefined)(`origin --device webgpu${gpu === undefined ? ' (skipped: no Vulkan driver here)' : ''}`, () => {
  const urls: Record<string, string> = {};
  let output = '';

  beforeAll(async () => {
    inputs = await Promise.all(METHODS.map((method) => makeTinyInputs({}, 1, method)));
    const packs = [];
    for (const each of inputs) packs.push(await buildTinyPack(each));
    const started = {
      webgpu: startWith(gpu ?? {}, 'origin', ...packs, '--port', '0', '--device', 'webgpu', '--dtype', 'fp32'),
      cpu: start('origin', ...packs, '--port', '0', '--device', 'cpu', '--instances', '3', '--threads', '1'),
    };
    programs = Object.values(started);
    for (const [device, program] of Object.entries(started)) urls[device] = (await program.waitFor(/origin at (http:\/\/\S+)/))[1];
    output = started.webgpu.output();
  });

  afterAll(async () => {
    for (const program of programs) program.process.kill('SIGTERM');
    await Promise.all(programs.map(({ ended }) => ended));
    for (const { models } of inputs) await models.remove();
  });

  const get = async (device: string, path: string): Promise<unknown> => (await fetch(`${urls[device]}${path}`)).json();

  test('the log and /v2 say what it runs on and why', async () => {
    expect(output).toMatch(/^device webgpu, fp32: fp32 is right within \S+; at \S+ times the CPU's speed in a short trial$/m);
    expect(parseWith(OipServerMetadata, await get('webgpu', '/v2'), '/v2', 'upstream').parameters).toEqual({
      device: 'webgpu',
      dtype: 'fp32',
      device_why: expect.stringContaining('fp32 is right within'),
    });
    expect(parseWith(OipServerMetadata, await get('cpu', '/v2'), '/v2', 'upstream').parameters).toEqual({
      device: 'cpu',
      dtype: 'fp32',
      device_why: 'asked for',
    });
    const [onGpu, onCpu] = await Promise.all(
      ['webgpu', 'cpu'].map(async (device) => parseWith(OipModelConfig, await get(device, '/v2/models/tiny/config'), 'config', 'upstream')),
    );
    expect(onGpu.instance_group).toEqual([{ kind: 'KIND_GPU', count: 1 }]);
    expect(onGpu.parameters).toMatchObject({ device: { string_value: 'webgpu' } });
    expect(onCpu.instance_group).toEqual([{ kind: 'KIND_CPU', count: 3 }]);
  });

  test('answers are the same, whatever method made the pack', async () => {
    const names = TINY_EXPERTS.map(({ name }) => name);
    const rows = Array.from({ length: 3 }, (_, i) => ({ text: tinyText(names[i % 3], i), head: names[i % 3] }));
    const strings = (name: string, data: readonly string[]) => ({ name, datatype: 'BYTES', shape: [data.length], data });
    const mix = rows.flatMap((_, i) => names.map((_name, e) => (e === i % 3 ? 0.75 : e === (i + 1) % 3 ? 0.25 : 0)));
    const body = JSON.stringify({
      inputs: [
        strings(
          'text',
          rows.map(({ text }) => text),
        ),
        strings(
          'head',
          rows.map(({ head }) => head),
        ),
        { name: 'mix', datatype: 'FP32', shape: [rows.length, names.length], data: mix },
      ],
    });
    const models = parseWith(OipModelMetadata, await get('cpu', '/v2/models/tiny'), 'metadata', 'upstream');
    expect(models.versions).toHaveLength(METHODS.length);
    for (const version of models.versions) {
      const ask = async (device: string) => {
        const headers = { 'content-type': 'application/json' };
        const send = () => fetch(`${urls[device]}/v2/models/tiny/versions/${version}/infer`, { method: 'POST', headers, body });
        let response = await send();
        // On a busy machine a software renderer compiles its programs for longer than a request may take; the next one finds them ready.
        for (let retry = 0; retry < 5 && response.status === 504; retry++) response = await send();
        if (!response.ok) throw new Error(`${device} ${version}: ${await response.text()}`);
        const { outputs } = parseWith(OipResponse, await response.json(), 'answer', 'upstream');
        return outputs;
      };
      const [got, want] = [await ask('webgpu'), await ask('cpu')];
      for (const [i, { name, datatype, data = [] }] of want.entries()) {
        const other = got[i].data ?? [];
        expect(got[i].name).toBe(name);
        if (datatype === 'FP32') expect(maxDifference(other.map(Number), data.map(Number)), `${version} ${name}`).toBeLessThan(1e-4);
        else expect(other).toEqual(data);
      }
    }
  });
});

test('a GPU that is lost ends the origin: what was asked gets 503, the log says why, the exit code is 1', async () => {
  const tiny = await makeTinyInputs();
  const lost = join(tiny.models.dir, 'gpu-is-lost');
  const env = { GPU_LOST_WHEN: lost, NODE_OPTIONS: `--import=${new URL('../helpers/lost-gpu.ts', import.meta.url).href}` };
  const program = startWith(env, 'origin', await buildTinyPack(tiny), '--port', '0', '--device', 'webgpu');
  const [, url] = await program.waitFor(/origin at (http:\/\/\S+)/);
  const ask = () =>
    fetch(`${url}/v2/models/tiny/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        inputs: [
          { name: 'text', datatype: 'BYTES', shape: [1], data: ['heron'] },
          { name: 'head', datatype: 'BYTES', shape: [1], data: ['birds'] },
          { name: 'mix', datatype: 'FP32', shape: [1, 3], data: [1, 0, 0] },
        ],
      }),
    });
  expect((await ask()).status).toBe(200);
  await writeFile(lost, '');
  expect((await ask()).status).toBe(503);
  expect(await program.ended).toBe(1);
  expect(program.output()).toContain('origin: draining, device webgpu: expected it to go on, got its loss: Device is lost');
  await tiny.models.remove();
});

test('a device that does not exist is refused before anything is loaded', async () => {
  const program = start('origin', 'no-such-pack', '--device', 'tpu');
  expect(await program.ended).toBe(2);
  expect(program.output()).toContain('--device: expected auto, cuda, webgpu, cpu, got "tpu"');
});
