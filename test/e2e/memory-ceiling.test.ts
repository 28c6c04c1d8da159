// An origin with little memory under more load than fits: it lives, refuses, and takes work again.

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseExposition } from '../helpers/parse-exposition.ts';
import { buildTinyPack, makeTinyInputs, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { start, type Program } from './program.ts';

let inputs: TinyInputs;
let pack: string;
/** What an origin of the pack takes at rest. Megabytes. */
let restMb: number;

const serve = (...flags: readonly string[]): Program => start('origin', pack, '--port', '0', '--device', 'cpu', ...flags);
const urlOf = async (program: Program): Promise<string> => (await program.waitFor(/origin at (http:\/\/\S+)/))[1];

async function statusMb(program: Program, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(await readFile(`/proc/${program.process.pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function end(program: Program): Promise<number | null> {
  program.process.kill('SIGTERM');
  return program.ended;
}

beforeAll(async () => {
  inputs = await makeTinyInputs();
  pack = await buildTinyPack(inputs);
  const program = serve();
  const url = await urlOf(program);
  await (await infer(url)).text();
  restMb = await statusMb(program, 'VmRSS');
  await end(program);
});

afterAll(() => inputs.models.remove());

/** A request that is valid however long it is. */
function infer(url: string, padding = 0): Promise<Response> {
  const body = {
    parameters: { padding: 'x'.repeat(padding) },
    inputs: [
      { name: 'text', datatype: 'BYTES', shape: [1], data: [tinyText('birds', 1)] },
      { name: 'head', datatype: 'BYTES', shape: [1], data: ['birds'] },
    ],
  };
  return fetch(`${url}/v2/models/tiny/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

test('beyond its ceiling an origin refuses with 503 and when to come again, stays below, and recovers', async () => {
  const ceilingMb = Math.round(restMb) + 50;
  const program = serve('--memory-mb', String(ceilingMb));
  const url = await urlOf(program);
  const statuses = new Map<number, number>();
  const client = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) {
      const response = await infer(url, 4 << 20);
      await response.text();
      const { status, headers } = response;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 503) expect(headers.get('retry-after')).toBe('1');
      // Probes are answered all the time.
      const ready = await fetch(`${url}/v2/health/ready`);
      expect([ready.status, await ready.json()]).toEqual([200, { ready: true }]);
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  expect(new Set(statuses.keys())).toEqual(new Set([200, 503]));
  await expect.poll(async () => (await infer(url)).status, { timeout: 30_000 }).toBe(200);
  // What was let in before the ceiling was seen is parsed above it: eight bodies of 4 MB at once, as bytes, text and values.
  expect(await statusMb(program, 'VmHWM')).toBeLessThan(ceilingMb + 130);
  const samples = parseExposition(await (await fetch(`${url}/metrics`)).text());
  const valueOf = (name: string): number => samples.find((sample) => sample.name === name)?.value ?? Number.NaN;
  expect(valueOf('twinroute_origin_memory_ceiling_bytes')).toBe(ceilingMb * 2 ** 20);
  expect(valueOf('twinroute_origin_memory_refused_total')).toBeGreaterThanOrEqual(statuses.get(503) ?? 0);
  expect(program.output()).toMatch(/memory: \d+ of \d+ MB; new work is refused/);
  expect(await end(program)).toBe(0);
});

test('a pack that does not fit is refused, and nothing is loaded', async () => {
  const program = serve('--memory-mb', '20');
  expect(await program.ended).toBe(1);
  expect(program.output()).toMatch(/tiny: expected about \d+ MB of free memory to load it, got 0 below the ceiling of 20/);
});
