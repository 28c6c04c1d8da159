// Whole programs: origins and the edge in workerd, spoken to over HTTP.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { ErrorBody, PredictBatch, Prediction, RouteAnswer } from '../../src/contract/http.ts';
import { OipResponse } from '../../src/contract/oip.ts';
import { SigningKeySet } from '../../src/contract/signing-keys.ts';
import { openKeyRing } from '../../src/formats/signing/key-ring.ts';
import { signRequest } from '../../src/formats/signing/request-signature.ts';
import { runCli } from '../helpers/run-cli.ts';
import { buildTinyPack, makeTinyInputs, TINY_EXPERTS, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { start, type Program } from './program.ts';

let inputs: TinyInputs;
let pack: string;

beforeAll(async () => {
  inputs = await makeTinyInputs();
  pack = await buildTinyPack(inputs);
});

afterAll(() => inputs.models.remove());

describe('twinroute dev', () => {
  test.each(['twin', 'emr', 'wemoe', 'e_wemoe'] as const)(
    '--once answers every sample of a pack of %s through workerd and exits 0',
    async (method) => {
      const other = method === 'twin' ? undefined : await makeTinyInputs({}, 1, method);
      const program = start('dev', other === undefined ? pack : await buildTinyPack(other), '--once', '--json');
      expect({ code: await program.ended, output: program.output() }).toMatchObject({ code: 0 });
      await other?.models.remove();
      const lines = program.output().split('\n');
      const answers: unknown = JSON.parse(lines.find((line) => line.startsWith('[{')) ?? 'null');
      expect(answers).toMatchObject(
        TINY_EXPERTS.map(({ name }) => ({
          sample: { expert: name },
          outcome: {
            ok: true,
            prediction: { task: name, ...(method === 'twin' || method === 'emr' ? { mix: [{ expert: name, weight: 1 }] } : {}) },
          },
        })),
      );
    },
  );

  test('serves until it is told to stop', async () => {
    const program = start('dev', pack, '--port', '0', '--origin-port', '0');
    const url = (await program.waitFor(/edge +(http:\/\/\S+)/))[1];
    await program.waitFor(/ctrl-c stops/);
    const post = async (path: string, body: unknown): Promise<{ status: number; body: unknown }> => {
      const response = await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    };
    const text = tinyText('birds', 77);
    const routed = await post('/v1/route', { text });
    expect(z.parse(RouteAnswer, routed.body).mix).toEqual([{ expert: 'birds', weight: 1 }]);
    // A mix over experts that only one origin holds together.
    const mixed = z.parse(Prediction, (await post('/v1/predict', { text, mix: { birds: 0.5, stars: 0.5 }, explain: true })).body);
    expect(mixed.explain?.endpoint).toBe('all');
    expect(mixed.cut).toBeUndefined();
    // Edge and origins sign, here too.
    expect(mixed.explain?.receipt).toEqual({
      id: mixed.id,
      config: mixed.config,
      rows: 1,
      tokens: mixed.usage.tokens,
      mix: { birds: 0.5, stars: 0.5 },
    });
    const batch = await post('/v1/predict', { inputs: [{ text }, { text: '' }, { text, task: 'stars' }] });
    const { predictions } = z.parse(PredictBatch, batch.body);
    expect(predictions.map((answer) => ('error' in answer ? answer.error.code : answer.task))).toEqual([
      'birds',
      'invalid_request',
      'stars',
    ]);
    for (const [body, status] of [
      [{ text: 'x'.repeat(1 << 20) }, 413],
      [{ text: ' ' }, 400],
      [{ text, task: 'boats' }, 404],
      [{ text, mix: { birds: -1 } }, 400],
      [{ text, mix: { birds: 0.7, ships: 0.7 } }, 400],
      ['{"text":', 400],
    ] as const) {
      const answer = await post('/v1/predict', body);
      expect({ body: JSON.stringify(body).slice(0, 60), status: answer.status }).toEqual({
        body: JSON.stringify(body).slice(0, 60),
        status,
      });
      expect(z.parse(ErrorBody, answer.body).error.request_id).not.toBe('');
    }
    for (const odd of ['\u0000', '\ud800', '👩‍👩‍👧‍👦 ﷽ \u202e', 'a'.repeat(90_000)]) {
      expect((await post('/v1/predict', { text: odd })).status).toBe(200);
    }
    program.process.kill('SIGTERM');
    expect(await program.ended).toBe(0);
  });

  test('lets the origin route where the pack asks for it', async () => {
    const byOrigin = await makeTinyInputs({ router: 'auto', policy: { temperature: 20, abstain: 1 } });
    const program = start('dev', await buildTinyPack(byOrigin), '--port', '0', '--origin-port', '0');
    const url = (await program.waitFor(/edge +(http:\/\/\S+)/))[1];
    await program.waitFor(/ctrl-c stops/);
    const response = await fetch(`${url}/v1/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: tinyText('ships', 3), explain: true }),
    });
    const body: unknown = await response.json();
    expect({ status: response.status, body }).toMatchObject({ status: 200 });
    const prediction = z.parse(Prediction, body);
    expect(prediction.explain?.routed_by).toBe('origin');
    expect(prediction.explain?.router.map(({ expert }) => expert).sort()).toEqual(TINY_EXPERTS.map(({ name }) => name).sort());
    program.process.kill('SIGTERM');
    expect(await program.ended).toBe(0);
    await byOrigin.models.remove();
  });
});

describe('twinroute origin', () => {
  async function serve(...args: string[]): Promise<{ program: Program; url: string }> {
    const program = start('origin', pack, '--port', '0', ...args);
    return { program, url: (await program.waitFor(/origin at (http:\/\/\S+)/))[1] };
  }

  test('holds only the experts that it is told to, and drains on SIGTERM', async () => {
    const { program, url } = await serve('--experts', 'birds,ships');
    const infer = async (mix: readonly number[], experts: string): Promise<{ status: number; body: unknown }> => {
      const response = await fetch(`${url}/v2/models/tiny/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          id: 'q1',
          inputs: [
            { name: 'text', datatype: 'BYTES', shape: [1], data: [tinyText('birds', 5)] },
            { name: 'mix', datatype: 'FP32', shape: [1, mix.length], data: mix, parameters: { experts } },
          ],
        }),
      });
      return { status: response.status, body: await response.json() };
    };
    const answer = await infer([0.25, 0.75], 'ships,birds');
    expect(answer.status).toBe(200);
    const { id, outputs } = z.parse(OipResponse, answer.body);
    expect(id).toBe('q1');
    expect(outputs.find(({ name }) => name === 'head')?.data).toEqual(['birds']);
    expect((await infer([1], 'stars')).status).toBe(404);
    const metadata: unknown = await (await fetch(`${url}/v2/models/tiny`)).json();
    expect(metadata).toMatchObject({
      name: 'tiny',
      inputs: expect.arrayContaining([expect.objectContaining({ name: 'mix', shape: [-1, 2] })]),
    });
    program.process.kill('SIGTERM');
    expect(await program.ended).toBe(0);
    expect(program.output()).toContain('draining');
  });

  test('--trust answers only what its edges sign, and tells nothing of the keys', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twinroute-keys-'));
    expect((await runCli('signing-keys', '--out', folder, '--algorithm', 'hmac-sha256')).code).toBe(0);
    const text = await readFile(join(folder, 'edge.json'), 'utf8');
    const { program, url } = await serve('--trust', join(folder, 'origin.json'));
    const target = `${url}/v2/models/tiny/infer`;
    const body = JSON.stringify({ inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['a'] }] });
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200);
    expect((await fetch(target, { method: 'POST', body, headers: { 'content-type': 'application/json' } })).status).toBe(401);
    const keys = await openKeyRing(text, 'edge.json');
    const signed = await signRequest(
      { keys, now: Date.now, nonce: () => 'once' },
      {
        method: 'POST',
        url: target,
        headers: { 'content-type': 'application/json', 'x-request-id': 'r', 'x-request-deadline-ms': '5000' },
      },
      new TextEncoder().encode(body),
    );
    const send = async (): Promise<number> => (await fetch(target, { method: 'POST', headers: { ...signed.headers }, body })).status;
    // The empty mix needs a head: the request is let in, and is wrong for another reason.
    expect([await send(), await send()]).toEqual([400, 401]);
    program.process.kill('SIGTERM');
    expect(await program.ended).toBe(0);
    const { keys: secrets } = z.parse(SigningKeySet, JSON.parse(text));
    for (const key of secrets) if (key.kty === 'oct') expect(program.output()).not.toContain(key.k);
    await rm(folder, { recursive: true });
  });
});
