// Experiments between two packs, through whole programs: workerd with its Durable Objects, real origins, HTTP.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { ExperimentReport, FeedbackAnswer } from '../../src/contract/experiment-report.ts';
import { ErrorBody, Prediction } from '../../src/contract/http.ts';
import { assign } from '../../src/core/experiment/assign.ts';
import { openPack, type Pack } from '../../src/formats/pack.ts';
import { createSha256, openFolder, type HostFolder } from '../../src/host/files.ts';
import { listen } from '../helpers/listen.ts';
import { prepareEdge } from '../helpers/prepare-edge.ts';
import { passThrough, type Hop } from '../helpers/tiny-deployment.ts';
import { buildTinyPack, makeTinyInputs, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { start, type Program } from './program.ts';

const RULE = { key: 'ranks', hash_version: 2, weights: [0.5, 0.5], coverage: 1 } as const;
const users = Array.from({ length: 80 }, (_, i) => `user-${i}`);

let inputs: TinyInputs[];
let paths: string[];
let folders: HostFolder[];
let packs: Pack[];
let work: string;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'twinroute-experiments-'));
  inputs = [await makeTinyInputs({ rank: 4 }), await makeTinyInputs({ rank: 2 })];
  // One after another: a process has one tensor engine.
  paths = [await buildTinyPack(inputs[0]), await buildTinyPack(inputs[1])];
  folders = await Promise.all(paths.map(openFolder));
  packs = await Promise.all(folders.map((folder) => openPack(folder, createSha256)));
});

afterAll(async () => {
  await Promise.all(folders.map((folder) => folder.close()));
  await Promise.all(inputs.map(({ models }) => models.remove()));
  await rm(work, { recursive: true, force: true });
});

/** The experiment between the packs, as it is published. */
function published(change: object = {}): string {
  const arms = packs.map(({ manifest }, i) => ({ name: ['rank-4', 'rank-2'][i], config: manifest.config, weight: 0.5 }));
  return JSON.stringify({ experiments: [{ key: RULE.key, arms, allow_forced: true, ...change }] });
}

async function serve(experiments: string): Promise<{ program: Program; url: string }> {
  const file = join(work, 'experiments.json');
  await writeFile(file, experiments);
  const program = start('dev', ...paths, '--experiments', file, '--state', join(work, 'state'), '--port', '0', '--origin-port', '0');
  const url = (await program.waitFor(/edge +(http:\/\/\S+)/))[1];
  await program.waitFor(/ctrl-c stops/);
  return { program, url };
}

async function post(url: string, body: object, headers: Record<string, string> = {}): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function reportOf(url: string): Promise<ExperimentReport> {
  return z.parse(ExperimentReport, await (await fetch(`${url}/v1/experiments/${RULE.key}`)).json());
}

test('dev --experiments: each user keeps the config that the pure function gives, outcomes find their arm', async () => {
  const { program, url } = await serve(published({ shadow: { config: packs[1].manifest.config, share: 0.2 } }));
  const text = tinyText('birds', 7);
  const ask = async (body: object, headers?: Record<string, string>): Promise<Prediction> =>
    z.parse(Prediction, (await post(`${url}/v1/predict`, { text, ...body }, headers)).body);
  for (const user of users) {
    const arm = assign(RULE, user);
    const answered = await ask({ user });
    expect({ user, config: answered.config }).toEqual({ user, config: packs[Number(arm)].manifest.config });
    const outcome = { request_id: answered.id, name: 'liked', outcome: arm === 0 };
    expect(z.parse(FeedbackAnswer, (await post(`${url}/v1/feedback`, outcome)).body)).toMatchObject({
      arm: answered.experiment?.arm,
      recorded: true,
    });
  }
  expect((await ask({})).experiment).toBeUndefined();
  expect((await ask({ user: users[0], config: packs[1].manifest.config })).experiment).toBeUndefined();
  expect((await ask({}, { 'x-twinroute-arm': 'ranks=rank-2' })).config).toBe(packs[1].manifest.config);
  const unknown = await post(`${url}/v1/feedback`, { request_id: 'nobody', outcome: 1 });
  expect({ status: unknown.status, code: z.parse(ErrorBody, unknown.body).error.code }).toEqual({ status: 404, code: 'not_found' });
  const report = await reportOf(url);
  expect(report.arms.map(({ exposures, failures }) => ({ exposures, failures }))).toEqual(
    [0, 1].map((arm) => ({ exposures: users.filter((user) => assign(RULE, user) === arm).length, failures: 0 })),
  );
  expect(report.arms.map(({ metrics }) => metrics['outcome.liked'].estimate)).toEqual([1, 0]);
  expect(report.shadow?.answered).toBeGreaterThan(0);
  expect(report.shadow?.agreement).not.toBeNull();
  program.process.kill('SIGTERM');
  expect(await program.ended).toBe(0);
});

test('a config that turns bad is rolled back, and the edge follows within 30 seconds', async () => {
  const program = start('origin', ...paths, '--port', '0');
  const origin = (await program.waitFor(/origin at (http:\/\/\S+)/))[1];
  let bad = false;
  // What a broken config looks like: its requests fail at the same origin that answers the others.
  const proxy = await listen((request, response) => {
    const fails = bad && request.url?.includes(packs[1].manifest.config) === true;
    const hop: Hop = (_, __, passOn) => (fails ? void response.writeHead(500).end('{"error": "injected"}') : passOn());
    passThrough(origin, hop, request, response).catch(() => response.destroy());
  });
  const prepared = await prepareEdge(packs);
  const guardrails = [{ metric: 'error', margin: 0.02, min_samples: 50, min_units: 20 }];
  const edge = await prepared.start({ proxy: proxy.url }, { EXPERIMENTS: published({ guardrails }) });
  const round = async (): Promise<Record<number, number>> => {
    const statuses: Record<number, number> = {};
    for (const user of users) {
      const { status } = await post(`${edge.url}/v1/predict`, { text: tinyText('ships', 3), user });
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    return statuses;
  };
  expect(await round()).toEqual({ 200: users.length });
  bad = true;
  const startedAt = Date.now();
  let requests = 0;
  while ((await reportOf(edge.url)).status !== 'rolled_back') {
    await round();
    requests += users.length;
    expect(requests).toBeLessThan(1500);
  }
  const decidedAt = Date.now();
  while (Object.keys(await round()).some((status) => status !== '200')) expect(Date.now() - decidedAt).toBeLessThan(30_000);
  console.log(
    `rolled back after ${requests} requests, ${decidedAt - startedAt} ms; nobody met the bad config ${Date.now() - decidedAt} ms later`,
  );
  const { audit, arms } = await reportOf(edge.url);
  expect(audit.at(-1)).toMatchObject({ event: 'rollback', reason: expect.stringMatching(/^error of rank-2 is above its limit/) });
  expect(arms[0].failures).toBe(0);
  await edge.close();
  await proxy.close();
  await prepared.remove();
  program.process.kill('SIGTERM');
  expect(await program.ended).toBe(0);
});
