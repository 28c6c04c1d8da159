import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { signRelease } from '../../../src/formats/signing/release-signature.ts';
import { createPaidHarness } from '../accounts/harness.ts';
import { sha256 } from '../helpers/assets.ts';
import { ALL, LEFT } from '../helpers/harness.ts';
import {
  createDeployment,
  createPublished,
  DEPLOYED,
  NEW,
  OLD,
  otherPublisher,
  packOf,
  publisher,
  releaseOf,
  saltedRouter,
  TTL_MS,
} from './harness.ts';

const UNKNOWN = '9999999999999999';

describe('a file', () => {
  test('is kept under its hash, and may be sent again', async () => {
    const isolate = await createDeployment().isolate();
    const bytes = crypto.getRandomValues(new Uint8Array(1000));
    const hash = await sha256(bytes);
    expect((await isolate.admin('GET', `blobs/${hash}`)).status).toBe(404);
    for (let i = 0; i < 2; i++) expect((await isolate.put(hash, bytes)).status).toBe(201);
    expect(await isolate.admin('GET', `blobs/${hash}`)).toEqual({ status: 200, body: { sha256: hash } });
  });

  test('that is half of it, or another, or too large, is refused, and nothing is kept', async () => {
    const isolate = await createDeployment().isolate();
    const bytes = crypto.getRandomValues(new Uint8Array(1000));
    const hash = await sha256(bytes);
    expect((await isolate.put(hash, bytes.subarray(0, 500))).status).toBe(400);
    expect((await isolate.put(hash, new Uint8Array(0))).status).toBe(400);
    expect((await isolate.put('no-hash', bytes)).status).toBe(400);
    expect((await isolate.put(hash, new Uint8Array((32 << 20) + 1))).status).toBe(413);
    expect((await isolate.admin('GET', `blobs/${hash}`)).status).toBe(404);
  });

  test('in whose place other bytes lie counts as missing', async () => {
    const isolate = await createDeployment().isolate();
    const bytes = crypto.getRandomValues(new Uint8Array(1000));
    const hash = await sha256(bytes);
    await env.PACKS.put(`blobs/${hash}`, bytes.subarray(1));
    expect((await isolate.admin('GET', `blobs/${hash}`)).status).toBe(404);
    await isolate.put(hash, bytes);
    expect((await isolate.admin('GET', `blobs/${hash}`)).status).toBe(200);
  });
});

describe('a release is refused', () => {
  test('without the root secret', async () => {
    const { isolate, first } = await createPublished();
    for (const [method, path, body] of [
      ['GET', 'releases', undefined],
      ['POST', 'releases', first.signed],
      ['PUT', `blobs/${first.sha256}`, undefined],
      ['GET', `readiness/${OLD}/${first.sha256}`, undefined],
    ] as const)
      expect((await isolate.admin(method, path, body, 'guess')).status).toBe(401);
  });

  test('by an edge where nothing can be published', async () => {
    const { admin } = createPaidHarness();
    expect((await admin('GET', 'releases')).status).toBe(404);
  });

  test('whatever is wrong with it, and what was served is served', async () => {
    const { isolate, first, fresh, old } = await createPublished();
    const next = releaseOf(first, [fresh.entry]);
    const good = await signRelease(publisher, next);
    const lost = await packOf(UNKNOWN, saltedRouter(9));
    const sign = async (change: object) => (await signRelease(publisher, { ...next, ...change })).signed;
    const cases: [string, unknown, number][] = [
      ['no release', { hello: 'world' }, 403],
      ["a stranger's key", (await signRelease(otherPublisher, next)).signed, 403],
      ["a stranger's key under a known name", { ...(await signRelease(otherPublisher, next)).signed, kid: first.kid }, 403],
      ['a changed payload', { ...good.signed, payload: good.signed.payload.replace('to see', 'to sea') }, 403],
      ['another release’s signature', { ...good.signed, signature: first.signed.signature }, 403],
      ['the same version again, with other content', await sign({ version: 1, previous: undefined }), 409],
      ['a version too many', await sign({ version: 3 }), 409],
      ['another history', await sign({ previous: { version: 1, sha256: 'f'.repeat(64) } }), 409],
      ['no history', await sign({ previous: undefined }), 409],
      ['a config whose files nobody sent', await sign({ configs: [old.entry, lost.entry] }), 400],
      ['an edge.json of another config', await sign({ configs: [{ ...fresh.entry, config: UNKNOWN }] }), 400],
    ];
    for (const [what, body, status] of cases)
      expect({ what, status: (await isolate.admin('POST', 'releases', body)).status }).toEqual({ what, status });
    isolate.pass(TTL_MS);
    expect([await isolate.ask(), await isolate.health()]).toEqual([OLD, { version: 1 }]);
    expect((await isolate.commit(good)).status).toBe(201);
    expect((await isolate.commit(good)).status).toBe(201);
  });

  test('when somebody else was first; of many at once one is made', async () => {
    const { isolate, deployment, first, fresh, old } = await createPublished();
    const rivals = await Promise.all(
      Array.from({ length: 8 }, (_, i) => signRelease(publisher, releaseOf(first, [fresh.entry, old.entry], { reason: `rival ${i}` }))),
    );
    const statuses = await Promise.all(rivals.map(async (rival) => (await isolate.commit(rival)).status));
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(7);
    const winner = rivals[statuses.indexOf(201)];
    expect((await deployment.history().head())?.sha256).toBe(winner.sha256);
    expect((await isolate.commit(rivals[statuses.indexOf(409)])).body).toMatchObject({
      error: { code: 'conflict', details: { head: 2 } },
    });
  });
});

test('an upload without a release serves nothing', async () => {
  const deployment = createDeployment();
  const isolate = await deployment.isolate();
  await isolate.upload(await packOf(NEW));
  isolate.pass(TTL_MS);
  expect([await isolate.ask(), await isolate.ask(NEW), await (await deployment.isolate()).ask(NEW)]).toEqual([DEPLOYED, '404', '404']);
});

test('a deployed config in a release is copied, so that it outlives the deployment', async () => {
  const deployment = createDeployment();
  const isolate = await deployment.isolate();
  const pack = await packOf(NEW);
  await isolate.upload(pack);
  const [deployed] = (await isolate.releases.deployed.index()).configs;
  const first = await signRelease(publisher, releaseOf(undefined, [deployed, pack.entry]));
  expect((await isolate.commit(first)).status).toBe(201);
  expect((await isolate.admin('GET', `blobs/${deployed.sha256}`)).status).toBe(200);
  isolate.pass(TTL_MS);
  expect([await isolate.ask(), await isolate.ask(NEW)]).toEqual([DEPLOYED, NEW]);
});

test('the audit log tells who, when, what and why', async () => {
  const { isolate, first, fresh } = await createPublished();
  const second = await signRelease(
    publisher,
    releaseOf(first, [fresh.entry], { action: 'rollback', restores: 0, by: 'ada', reason: 'errors' }),
  );
  await isolate.commit(second);
  const { head, history, deployed } = (await isolate.admin('GET', 'releases')).body;
  expect(head).toEqual(second.signed);
  expect(deployed).toMatchObject([{ config: DEPLOYED }]);
  expect(history).toEqual([
    {
      version: 2,
      sha256: second.sha256,
      kid: second.kid,
      received_ms: expect.any(Number),
      action: 'rollback',
      restores: 0,
      by: 'ada',
      reason: 'errors',
      configs: [fresh.entry],
    },
    expect.objectContaining({ version: 1, sha256: first.sha256, by: 'a test', action: 'publish' }),
  ]);
  expect(await isolate.admin('GET', 'releases/1')).toEqual({ status: 200, body: first.signed });
  expect((await isolate.admin('GET', 'releases/3')).status).toBe(404);
  expect((await isolate.admin('GET', 'releases/x')).status).toBe(400);
});

describe('origins', () => {
  test('are asked whether they serve a config', async () => {
    const deployment = createDeployment();
    const asked: string[] = [];
    const isolate = await deployment.isolate({
      endpoints: [ALL, LEFT, { ...ALL, id: 'elsewhere', configs: [UNKNOWN] }],
      get(url) {
        asked.push(url);
        return new Response('{}', { status: url.startsWith(LEFT.url) ? 200 : 404 });
      },
    });
    const pack = await packOf(NEW);
    const path = `readiness/${NEW}/${pack.entry.sha256}`;
    expect((await isolate.admin('GET', path.replace(NEW, UNKNOWN))).status).toBe(404);
    await isolate.upload(pack);
    expect((await isolate.admin('GET', path)).body).toEqual({
      config: NEW,
      endpoints: [
        { id: 'all', ready: false, detail: 'status 404' },
        { id: 'left', ready: true, detail: 'ready' },
      ],
      missing: ['stsb'],
    });
    expect(asked).toEqual([ALL, LEFT].map(({ url }) => `${url.replace(/\/$/, '')}/v2/models/sample/versions/${NEW}/ready`));
  });
});
