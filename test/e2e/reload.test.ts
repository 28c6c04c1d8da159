// Packs come and go under load: a real process, asked all the time, whose pack's folder is replaced again and again.

import { cp, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { OipIndex, OipResponse } from '../../src/contract/oip.ts';
import { parseExposition } from '../helpers/parse-exposition.ts';
import { buildTinyPack, makeTinyInputs, TINY_EXPERTS, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { startWith, type Program } from './program.ts';

const RELOADS = 40;
/** Reloads after which memory is looked at. */
const WARM = 14;
const TOKEN = 'an-operators-token-of-some-length';
const names = TINY_EXPERTS.map(({ name }) => name);
const tensor = (name: string, data: readonly string[]) => ({ name, datatype: 'BYTES', shape: [data.length], data });
const BODY = JSON.stringify({
  inputs: [
    tensor('text', [tinyText('birds', 1), tinyText('ships', 2)]),
    tensor('head', ['birds', 'ships']),
    { name: 'mix', datatype: 'FP32', shape: [2, names.length], data: [1, 0, 0, 0.25, 0.5, 0.25] },
  ],
  outputs: [{ name: 'logits' }],
});

let inputs: readonly TinyInputs[];
/** Two packs of one name and different configs. */
let packs: readonly string[];
let live: string;
let program: Program;
let url: string;

beforeAll(async () => {
  inputs = [await makeTinyInputs({ rank: 4 }), await makeTinyInputs({ rank: 2 })];
  packs = [await buildTinyPack(inputs[0]), await buildTinyPack(inputs[1])];
  live = join(inputs[0].models.dir, 'live');
  await cp(packs[0], live, { recursive: true });
  // Experts are paged: some are read while the folder is being replaced.
  program = startWith(
    { TWINROUTE_ORIGIN_ADMIN_TOKEN: TOKEN },
    'origin',
    live,
    '--port',
    '0',
    '--expert-mb',
    '0',
    '--device',
    'cpu',
    '--instances',
    '2',
  );
  [, url] = await program.waitFor(/origin at (http:\/\/\S+)/);
});

afterAll(async () => {
  program.process.kill('SIGTERM');
  await program.ended;
  for (const { models } of inputs) await models.remove();
});

async function put(pack: string): Promise<void> {
  await cp(pack, `${live}.new`, { recursive: true });
  await rename(live, `${live}.old`);
  await rename(`${live}.new`, live);
  await rm(`${live}.old`, { recursive: true });
}

/** The pack that is not served. */
async function otherThan(version: string): Promise<string> {
  const { config } = z.parse(z.object({ config: z.string() }), JSON.parse(await readFile(join(packs[0], 'manifest.json'), 'utf8')));
  return config === version ? packs[1] : packs[0];
}

const admin = (verb: string, body?: object, token = TOKEN): Promise<Response> =>
  fetch(`${url}/v2/repository/models/tiny/${verb}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
const infer = (): Promise<Response> =>
  fetch(`${url}/v2/models/tiny/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: BODY });
const index = async () => OipIndex.parse(await (await fetch(`${url}/v2/repository/index`, { method: 'POST' })).json());

async function answer(): Promise<{ version: string; logits: string }> {
  const response = await infer();
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  const { model_version: version = '', outputs } = z.parse(OipResponse, await response.json());
  return { version, logits: JSON.stringify(outputs) };
}

async function metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
  const samples = parseExposition(await (await fetch(`${url}/metrics`)).text());
  return samples.find((sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    ?.value;
}

const rssMb = async (): Promise<number> =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${program.process.pid}/status`, 'utf8'))?.[1]) / 1024;
/** Open files of packs, those of folders that are gone among them. */
async function handles(): Promise<number> {
  const folder = `/proc/${program.process.pid}/fd`;
  const targets = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')));
  return targets.filter((target) => target.startsWith(live)).length;
}

test('reloads under load: every answer is one of the two packs’, nothing is refused, memory and handles stay', async () => {
  const first = await answer();
  const known = new Map([[first.version, first.logits]]);
  const load = { stopped: false };
  let answers = 0;
  const client = async (): Promise<void> => {
    while (!load.stopped) {
      const { version, logits } = await answer();
      const before = known.get(version);
      if (before === undefined) known.set(version, logits);
      else if (near(before, logits) > 1e-5) throw new Error(`${version} answered otherwise`);
      answers++;
    }
  };
  const clients = Promise.all(Array.from({ length: 6 }, client));
  clients.catch(() => (load.stopped = true));
  const sizes: number[] = [];
  for (let i = 0; i < RELOADS && !load.stopped; i++) {
    await put(packs[(i + 1) % 2]);
    expect((await admin('load')).status).toBe(200);
    sizes.push(await rssMb());
  }
  load.stopped = true;
  await clients;
  expect(known.size).toBe(2);
  expect(answers).toBeGreaterThan(RELOADS);
  expect(await metric('twinroute_origin_pack_loads_total', { outcome: 'ok' })).toBe(RELOADS + 1);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  // Heaps and arenas are warm after the first third: 15 MB since then. Sessions that are not released make it 70 and more.
  expect(mean(sizes.slice(-5)) - mean(sizes.slice(WARM, WARM + 5))).toBeLessThan(40);
  const files = (await readdir(live, { recursive: true })).length;
  await expect.poll(handles, { timeout: 20_000 }).toBeLessThanOrEqual(files);
});

test('SIGHUP loads what changed', async () => {
  const { version } = await answer();
  await put(await otherThan(version));
  program.process.kill('SIGHUP');
  await expect.poll(async () => (await answer()).version, { timeout: 20_000 }).not.toBe(version);
});

test('a broken pack leaves the old one serving, and says so', async () => {
  const { version } = await answer();
  const broken = join(inputs[0].models.dir, 'broken');
  await cp(await otherThan(version), broken, { recursive: true });
  const file = join(broken, 'experts', 'ships.safetensors');
  const bytes = await readFile(file);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(file, bytes);
  await put(broken);
  const refused = await admin('load');
  expect([refused.status, await refused.text()]).toEqual([500, expect.stringMatching(/expected sha256/)]);
  expect((await index())[0]).toMatchObject({ name: 'tiny', version, state: 'READY', reason: expect.stringMatching(/sha256/) });
  expect(await metric('twinroute_origin_pack_loads_total', { outcome: 'failed' })).toBe(1);
  expect((await answer()).version).toBe(version);
  program.process.kill('SIGHUP');
  expect((await answer()).version).toBe(version);
});

test('what is unloaded is unavailable until it is loaded again', async () => {
  await put(packs[0]);
  expect((await admin('unload')).status).toBe(200);
  expect((await infer()).status).toBe(503);
  const ready = await fetch(`${url}/v2/models/tiny/ready`);
  expect([ready.status, await ready.json()]).toEqual([503, { name: 'tiny', ready: false }]);
  expect(await index()).toMatchObject([{ name: 'tiny', state: 'UNAVAILABLE', reason: 'unloaded' }]);
  program.process.kill('SIGHUP');
  await program.waitFor(/looks for changed packs/);
  expect((await infer()).status).toBe(503);
  expect((await admin('load')).status).toBe(200);
  expect((await infer()).status).toBe(200);
});

test('single experts come and go: rows that mix one that is unloaded are refused until it is loaded again', async () => {
  const experts = (list: string): object => ({ parameters: { experts: list } });
  expect((await admin('unload', experts('ships,stars'))).status).toBe(200);
  const refused = await infer();
  expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining('expert ships')]);
  expect((await admin('load', experts('ships'))).status).toBe(200);
  expect((await infer()).status).toBe(503);
  expect((await admin('load', experts('stars'))).status).toBe(200);
  expect((await infer()).status).toBe(200);
  expect((await admin('load', experts('nobody'))).status).toBe(404);
  expect(await metric('twinroute_origin_experts_registered')).toBe(names.length);
  expect(await metric('twinroute_origin_expert_page_ins_total')).toBeGreaterThan(0);
});

test('only the operator loads and unloads, and the token is never told', async () => {
  expect((await admin('unload', undefined, 'another-token-of-that-length')).status).toBe(401);
  expect((await fetch(`${url}/v2/repository/models/tiny/unload`, { method: 'POST' })).status).toBe(401);
  expect((await admin('load', { parameters: { config: '{}' } })).status).toBe(501);
  expect(
    (await fetch(`${url}/v2/repository/models/nobody/load`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } })).status,
  ).toBe(404);
  expect((await infer()).status).toBe(200);
  expect(program.output()).not.toContain(TOKEN);
});

/** Largest difference of the numbers of two answers. */
function near(a: string, b: string): number {
  const numbers = (text: string): number[] => (text.match(/-?\d+(?:\.\d+)?(?:e-?\d+)?/g) ?? []).map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  return left.length === right.length ? Math.max(...left.map((value, i) => Math.abs(value - right[i]))) : Infinity;
}
