// The Open Inference Protocol over real sockets: an edge in workerd and an origin of the same pack give the same tensors.

import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { OipError, OipModelMetadata, OipResponse } from '../../src/contract/oip.ts';
import { buildTinyPack, makeTinyInputs, TINY_EXPERTS, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { start, type Program } from './program.ts';

let inputs: TinyInputs;
let programs: readonly Program[];
let edge: string;
let origin: string;

beforeAll(async () => {
  inputs = await makeTinyInputs();
  const pack = await buildTinyPack(inputs);
  programs = [start('dev', pack, '--port', '0', '--origin-port', '0'), start('origin', pack, '--port', '0')];
  [edge, origin] = await Promise.all([
    programs[0].waitFor(/edge +(http:\/\/\S+)/).then((match) => match[1]),
    programs[1].waitFor(/origin at (http:\/\/\S+)/).then((match) => match[1]),
  ]);
  await programs[0].waitFor(/ctrl-c stops/);
});

afterAll(async () => {
  for (const program of programs) program.process.kill('SIGTERM');
  await Promise.all(programs.map(({ ended }) => ended));
  await inputs.models.remove();
});

const names = TINY_EXPERTS.map(({ name }) => name);
const rows = Array.from({ length: 20 }, (_, i) => ({ text: tinyText(names[i % names.length], i), head: names[i % names.length] }));
const tensor = (name: string, data: readonly string[]) => ({ name, datatype: 'BYTES', shape: [data.length], data });
const request = {
  id: 'both',
  inputs: [
    tensor(
      'text',
      rows.map(({ text }) => text),
    ),
    tensor(
      'head',
      rows.map(({ head }) => head),
    ),
    {
      name: 'mix',
      datatype: 'FP32',
      shape: [rows.length, names.length],
      data: rows.flatMap(({ head }) => names.map((name) => (name === head ? 1 : 0))),
    },
  ],
};

async function infer(url: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v2/models/tiny/infer`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
}

async function outputsOf(response: Response) {
  const { id, outputs } = z.parse(OipResponse, await response.json());
  expect(id).toBe('both');
  return new Map(outputs.map((output) => [output.name, output]));
}

type Outputs = Awaited<ReturnType<typeof outputsOf>>;

/** Logits differ in their last digits with what else was in an origin's batch. */
function expectSame(one: Outputs, other: Outputs): void {
  for (const name of ['classes', 'label', 'head', 'tokens', 'truncated']) expect(one.get(name)).toEqual(other.get(name));
  const { shape, data = [] } = one.get('logits') ?? {};
  expect(shape).toEqual(other.get('logits')?.shape);
  expect(data.length).toBeGreaterThan(rows.length);
  for (const [i, logit] of data.entries()) expect(Number(logit)).toBeCloseTo(Number(other.get('logits')?.data?.[i]), 4);
}

test('one-hot rows get the same outputs from both', async () => {
  const [ours, theirs] = await Promise.all([edge, origin].map(async (url) => outputsOf(await infer(url, JSON.stringify(request)))));
  expectSame(ours, theirs);
  expect(ours.get('mix')?.data).toEqual(request.inputs[2].data);
});

test('the edge tells what the origin tells, and more outputs', async () => {
  const [ours, theirs] = await Promise.all(
    [edge, origin].map(async (url) => z.parse(OipModelMetadata, await (await fetch(`${url}/v2/models/tiny`)).json())),
  );
  expect(ours).toMatchObject({ name: theirs.name, versions: theirs.versions, platform: theirs.platform, inputs: theirs.inputs });
  expect(ours.outputs).toEqual(expect.arrayContaining([...theirs.outputs]));
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
])('bodies in %s, both ways, through workerd', async (encoding, encode) => {
  const plain = await outputsOf(await infer(edge, JSON.stringify(request)));
  // Node's fetch decodes what it asked for, and says so by leaving the header.
  const response = await infer(edge, encode(JSON.stringify(request)), { 'content-encoding': encoding, 'accept-encoding': encoding });
  expect(response.headers.get('content-encoding')).toBe(encoding);
  expectSame(await outputsOf(response), plain);
});

test('errors are the protocol’s, from both', async () => {
  for (const url of [edge, origin]) {
    const response = await infer(url, JSON.stringify({ inputs: [tensor('text', ['a']), tensor('head', ['nobody'])] }));
    expect([response.status, response.headers.get('x-error-code')]).toEqual([404, 'not_found']);
    expect(z.parse(OipError, await response.json()).error).toContain('got "nobody"');
  }
});
