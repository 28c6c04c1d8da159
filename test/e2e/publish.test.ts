// Packs that are published on a running edge: the command line over HTTP, workerd with its KV, bucket and Durable Objects, real origins.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { HealthAnswer, Prediction } from '../../src/contract/http.ts';
import { buildTinyPack, makeTinyInputs, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { startWith, type Program } from './program.ts';

const ROOT = 'a root secret for this test, long enough';
const TTL_SECONDS = 2;
const Manifest = z.object({ config: z.string() });
const History = z.object({
  history: z.array(z.looseObject({ version: z.number(), by: z.string(), reason: z.string(), received_ms: z.number() })),
});
const Published = z.object({ version: z.number(), default: z.string(), staged: z.array(z.string()), uploaded: z.number() });

let inputs: TinyInputs[];
let packs: { path: string; config: string }[];
let work: string;
let program: Program;
let url: string;
let key: string;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'twinroute-publish-'));
  inputs = [await makeTinyInputs({ rank: 4 }), await makeTinyInputs({ rank: 2 }), await makeTinyInputs({ rank: 1 })];
  packs = [];
  for (const one of inputs) {
    const path = await buildTinyPack(one);
    const { config } = z.parse(Manifest, JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8')));
    packs.push({ path, config });
  }
  const env = { ADMIN_SECRET: ROOT, RELEASE_TTL_SECONDS: String(TTL_SECONDS) };
  const state = ['--state', join(work, 'state'), '--port', '0', '--origin-port', '0'];
  program = startWith(env, 'dev', packs[0].path, '--hold', packs[1].path, ...state);
  url = (await program.waitFor(/edge +(http:\/\/\S+)/))[1];
  key = (await program.waitFor(/authorization: Bearer (\S+?)'/))[1];
});

afterAll(async () => {
  program.process.kill('SIGTERM');
  await program.ended;
  await Promise.all(inputs.map(({ models }) => models.remove()));
  await rm(work, { recursive: true, force: true });
});

/** Runs a verb that publishes; its exit code, and what it printed. */
async function run(verb: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const options = verb === 'releases' ? [] : ['--key', join(work, 'state', 'publisher.json'), '--by', 'the test'];
  const running = startWith({ TWINROUTE_ADMIN_SECRET: ROOT }, verb, ...args, '--edge', url, ...options, '--json');
  const code = await running.ended;
  return { code, output: running.output() };
}

/** The result of a verb that worked. */
async function done<T extends z.core.$ZodType>(schema: T, verb: string, ...args: string[]): Promise<z.core.output<T>> {
  const { code, output } = await run(verb, ...args);
  expect({ code, output }).toMatchObject({ code: 0 });
  const line = output.split('\n').find((text) => text.startsWith('{')) ?? '';
  return z.parse(schema, JSON.parse(line));
}

async function ask(body: object = {}): Promise<{ status: number; config: string | undefined }> {
  const response = await fetch(`${url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ text: tinyText('birds', 7), ...body }),
  });
  const answer: unknown = await response.json();
  const { data } = z.safeParse(Prediction, answer);
  return { status: response.status, config: data?.config };
}

interface Seen {
  readonly config: string | undefined;
  readonly status: number;
  readonly atMs: number;
}

/** Asks all the time, as users do; what answered, and when that changed. */
function watch(): { until: (config: string) => Promise<void>; stop: () => Promise<readonly Seen[]> } {
  const seen: Seen[] = [];
  const stopped = new AbortController();
  const run = (async () => {
    while (!stopped.signal.aborted) {
      const answered = await ask();
      const last = seen[seen.length - 1];
      if (answered.config !== last?.config || answered.status !== last.status) seen.push({ ...answered, atMs: Date.now() });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    until: (config) => vi.waitFor(() => expect(seen.at(-1)?.config).toBe(config), { timeout: 30_000 }),
    async stop() {
      stopped.abort();
      await run;
      return seen;
    },
  };
}

test('a pack is published, staged, rolled out within the TTL, and rolled back, and every request is answered', async () => {
  const [first, second] = packs.map(({ config }) => config);
  expect((await ask({ config: second })).status).toBe(404);
  const users = watch();

  const published = await done(Published, 'publish', packs[1].path, '--check');
  expect(published).toMatchObject({ version: 1, default: first, staged: [second], uploaded: 3 });
  await vi.waitFor(async () => expect(await ask({ config: second })).toEqual({ status: 200, config: second }), { timeout: 30_000 });
  expect(await ask()).toEqual({ status: 200, config: first });

  await done(z.object({ version: z.literal(2) }), 'rollout', 'latest', '--reason', 'better');
  await users.until(second);
  expect(await ask({ config: first })).toEqual({ status: 200, config: first });
  await done(z.object({ version: z.literal(3), restores: z.literal(1) }), 'rollback', '--reason', 'worse');
  await users.until(first);
  const seen = await users.stop();
  expect(seen.map(({ status, config }) => `${status} ${config}`)).toEqual([first, second, first].map((config) => `200 ${config}`));

  const health = z.parse(HealthAnswer, await (await fetch(`${url}/health`)).json());
  expect(health.release).toEqual({ version: 3 });
  const { history } = await done(History, 'releases');
  expect(history.map(({ version, by, reason }) => `${version} ${by}: ${reason}`)).toEqual([
    '3 the test: worse',
    '2 the test: better',
    `1 the test: publish ${packs[1].path}`,
  ]);
  const [, rolledOutMs, rolledBackMs] = seen.map(({ atMs }) => atMs);
  console.log(
    `users got a rollout ${rolledOutMs - history[1].received_ms} ms, a rollback ${rolledBackMs - history[0].received_ms} ms after it was made; TTL ${TTL_SECONDS} s`,
  );
});

test('a share of the users gets a config, the same ones again and again, until it is taken back', async () => {
  const [first, second] = packs.map(({ config }) => config);
  await done(z.object({ version: z.literal(4), percent: z.literal(30) }), 'rollout', second, '--percent', '30', '--reason', 'some');
  const configs = async (): Promise<(string | undefined)[]> => {
    const answers: (string | undefined)[] = [];
    for (let i = 0; i < 60; i++) answers.push((await ask({ user: `user-${i}` })).config);
    return answers;
  };
  let before: (string | undefined)[] = [];
  await vi.waitFor(async () => expect((before = await configs())).toContain(second), { timeout: 40_000, interval: 500 });
  expect(before).toContain(first);
  expect(await configs()).toEqual(before);
  expect((await ask()).config).toBe(first);
  await done(z.object({ restores: z.literal(1) }), 'rollback', '--reason', 'enough');
  await vi.waitFor(async () => expect(await configs()).not.toContain(second), { timeout: 40_000, interval: 500 });
});

test('a config that no origin serves is published, but not rolled out', async () => {
  const checked = await run('publish', packs[2].path, '--check');
  expect(checked).toMatchObject({ code: 1, output: expect.stringMatching(/expected origins that serve it, got: no endpoint is told to/) });
  await done(Published, 'publish', packs[2].path);
  expect(await run('rollout', packs[2].config, '--reason', 'eager')).toMatchObject({ code: 1, output: expect.stringMatching(/--force/) });
  expect((await ask()).config).toBe(packs[0].config);
});

test('a publisher whose key this edge does not know builds on nothing', async () => {
  const strangers = join(work, 'strangers');
  expect(await startWith({}, 'signing-keys', '--publish', '--out', strangers).ended).toBe(0);
  const stranger = ['--edge', url, '--key', join(strangers, 'publisher.json'), '--reason', 'because'];
  const running = startWith({ TWINROUTE_ADMIN_SECRET: ROOT }, 'rollback', ...stranger);
  expect(await running.ended).toBe(1);
  expect(running.output()).toMatch(/newest release: expected a signature of a key that may publish, got another/);
  expect((await ask()).config).toBe(packs[0].config);
});

test('no secret is printed, and the edge stops when it is told to', async () => {
  expect(program.output()).not.toContain(ROOT);
  program.process.kill('SIGTERM');
  expect(await program.ended).toBe(0);
});
