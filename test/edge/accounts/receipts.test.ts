// Ledgers against the books of origins, through the admin API: real accounts, real signatures, an origin that keeps a book and may lose or falsify it.

import { runInDurableObject } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Receipt } from '../../../src/contract/receipt.ts';
import type { BookedReceipt } from '../../../src/contract/receipt-book.ts';
import { generateKeySets } from '../../../src/formats/signing/generate-keys.ts';
import { openKeyRing, type KeyRing } from '../../../src/formats/signing/key-ring.ts';
import { signReceipt } from '../../../src/formats/signing/receipt.ts';
import { checkDigest, verifyRequest } from '../../../src/formats/signing/request-signature.ts';
import { answer, CONFIG, input, type OriginCall } from '../helpers/harness.ts';
import { createPaidHarness, type PaidOptions } from './harness.ts';

let edge: KeyRing;
let keys: KeyRing;
beforeAll(async () => {
  const sets = await generateKeySets('hmac-sha256');
  edge = await openKeyRing(JSON.stringify(sets.edge), 'edge');
  keys = await openKeyRing(JSON.stringify(sets.origin), 'origin');
});

/** An edge before an origin that keeps a book. */
function createBooked(options: PaidOptions = {}) {
  const book: BookedReceipt[] = [];
  const state = { refuses: false, fromMs: 0, pages: 0, pageLength: 1_000 };
  const origin = async (call: OriginCall, attempt: number, signal: AbortSignal): Promise<Response> => {
    const request = { method: 'POST', url: call.url, headers: Object.fromEntries(call.headers) };
    const nonce = await verifyRequest({ keys, now: Date.now, remember: () => true, sinceMs: 0 }, request);
    await checkDigest(request.headers, new TextEncoder().encode(JSON.stringify(call.body)));
    if (call.url.endsWith('/v2/receipts')) {
      if (state.refuses) return new Response(null, { status: 404 });
      state.pages += 1;
      const { since_ms: sinceMs, cursor = '0:0' }: { since_ms?: number; cursor?: string } = JSON.parse(JSON.stringify(call.body));
      const first = Number(cursor.split(':')[1]);
      const page = book.filter(({ at_ms: at }) => at >= (sinceMs ?? 0)).slice(first, first + state.pageLength);
      const next = first + page.length < book.length ? { next: `0:${first + page.length}` } : {};
      return Response.json({ receipts: page, from_ms: state.fromMs, ...next });
    }
    const given = (await options.origin?.(call, attempt, signal)) ?? answer(call);
    if (given.status !== 200) return given;
    const body = new Uint8Array(await given.arrayBuffer());
    const head = String(input(call, 'head')?.data[0]);
    const named = input(call, 'mix')?.parameters?.['experts'];
    const experts = typeof named === 'string' ? named.split(',') : [head];
    const weights = input(call, 'mix')?.data ?? [];
    const mix = Object.fromEntries(experts.map((expert, i) => [expert, Number(weights[i])]));
    const receipt: Receipt = { id: call.headers.get('x-request-id') ?? '', config: CONFIG, rows: 1, tokens: 7, mix };
    book.push({ ...receipt, at_ms: Date.now(), nonce });
    return new Response(body, { headers: { ...(await signReceipt({ keys, now: Date.now }, request, 200, body, receipt)) } });
  };
  const signing = { keys: edge, now: Date.now, nonce: () => crypto.randomUUID() };
  const harness = createPaidHarness({ ...options, signing, origin });
  const reconcile = async (id: string, query = '') => (await harness.admin('GET', `reconcile?account=${id}${query}`)).body;
  return { ...harness, book, state, reconcile };
}

const NONE = { shadow: 0, released: 0, open: 0, repeated: 0, other: 0 };

test('books that agree: single answers, a batch, an answer that was kept', async () => {
  const { customer, reconcile, book, state } = createBooked({ upstream: { cache: { bytes: 100_000, seconds: 60 } } });
  const { id, predict } = await customer();
  await predict({ text: 'a' });
  await predict({ inputs: [{ text: 'a' }, { text: 'b', task: 'cola' }, { text: 'c', task: 'nobody' }] });
  for (let i = 0; i < 2; i++) await predict({ text: 'kept', task: 'sst2', cache: true });
  expect(book).toHaveLength(4);
  expect(await reconcile(id)).toEqual({
    accounts: 1,
    findings: [],
    receipts: { hours: 24, charged: 4, books: [{ endpoint: 'all', receipts: 4, from_ms: 0 }], uncharged: NONE },
  });
  state.pageLength = 1;
  expect((await reconcile(id)).receipts.books).toMatchObject([{ receipts: 4 }]);
  expect(state.pages).toBe(5);
});

test('the account keeps of a receipt what it takes to compare, and customers are not shown it', async () => {
  const { customer, book } = createBooked();
  const { predict, stub, get } = await customer(1_000, { scopes: ['predict', 'admin-read'] });
  await predict({ text: 'a' });
  const receipts = [{ nonce: book[0].nonce, endpoint: 'all', config: CONFIG, tokens: 7, mix: expect.stringMatching(/^[0-9a-f]{16}$/) }];
  expect(await stub.entries(0, 1)).toMatchObject([{ usage: { receipts } }]);
  expect(JSON.stringify((await get('/v1/statement')).body)).not.toContain(book[0].nonce);
});

describe('an injected loss is found', () => {
  test('in the book of an origin: a receipt gone, one with another mix, one with other tokens', async () => {
    const { customer, reconcile, book } = createBooked();
    const { id, predict } = await customer();
    for (let i = 0; i < 4; i++) await predict({ text: 'a' });
    book[1] = { ...book[1], mix: { stsb: 1 } };
    book[2] = { ...book[2], tokens: 1 };
    book.shift();
    expect((await reconcile(id)).findings).toEqual([
      { account: id, kind: 'unreceipted', seq: 1 },
      { account: id, kind: 'receipt', seq: 2, expected: 7, got: 7 },
      { account: id, kind: 'receipt', seq: 3, expected: 1, got: 7 },
    ]);
  });

  test('in the ledger: usage that grew, an entry by another’s receipt, an entry that is gone', async () => {
    const { customer, reconcile } = createBooked();
    const { id, predict, stub } = await customer();
    for (let i = 0; i < 4; i++) await predict({ text: 'a' }, { 'x-request-id': `r${i}` });
    await runInDurableObject(stub, (_account, { storage: { sql } }) => {
      sql.exec(`UPDATE entries SET usage = json_set(usage, '$.tokens', 70) WHERE seq = 1`);
      sql.exec(`UPDATE entries SET usage = (SELECT usage FROM entries WHERE seq = 2) WHERE seq = 3`);
      sql.exec('DELETE FROM entries WHERE seq = 4');
    });
    const { findings, receipts } = await reconcile(id);
    expect(findings).toEqual(
      expect.arrayContaining([
        { account: id, kind: 'usage', seq: 1, expected: 7, got: 70 },
        { account: id, kind: 'reused', seq: 3 },
      ]),
    );
    expect(findings.filter(({ kind }: { kind: string }) => kind !== 'balance')).toHaveLength(2);
    expect(receipts.uncharged).toEqual({ ...NONE, repeated: 1, other: 1 });
  });

  test('of another account: a receipt that pays for two', async () => {
    const { customer, reconcile, admin } = createBooked();
    const [ada, eve] = [await customer(), await customer()];
    await ada.predict();
    await eve.predict();
    const [entry] = (await ada.stub.entries(0, 1)) ?? [];
    await runInDurableObject(eve.stub, (_account, { storage: { sql } }) => {
      sql.exec('UPDATE entries SET usage = ?', JSON.stringify(entry.usage));
    });
    expect((await reconcile(eve.id)).findings).toEqual([]);
    const findings: { account: string; kind: string }[] = (await admin('GET', 'reconcile')).body.findings;
    const ours = findings.filter(({ account }) => account === ada.id || account === eve.id);
    expect(ours.map(({ kind }) => kind)).toEqual(['reused']);
  });
});

test('a receipt without a charge is told apart: a request that failed afterwards, an attempt beside another', async () => {
  let broken = false;
  const { customer, reconcile } = createBooked({
    attemptMs: 300,
    sabotage: (accounts) => ({
      ...accounts,
      calls: (id) => ({
        authenticate: (proof) => accounts.calls(id).authenticate(proof),
        open: (...args) => accounts.calls(id).open(...args),
        release: (seq) => accounts.calls(id).release(seq),
        settle: (...args) =>
          broken
            ? accounts
                .calls(id)
                .release(args[0])
                .then(() => ({ settled: false, charged: 0, available: 0 }))
            : accounts.calls(id).settle(...args),
      }),
    }),
  });
  const { id, predict } = await customer();
  await predict({ text: 'a' }, { 'x-request-id': 'charged' });
  broken = true;
  await predict({ text: 'a' }, { 'x-request-id': 'given-back' });
  expect(await reconcile(id)).toMatchObject({ findings: [], receipts: { charged: 1, uncharged: { ...NONE, released: 1 } } });
});

describe('what cannot be told is no finding, and is said', () => {
  test('an origin without a book', async () => {
    const { customer, reconcile, state } = createBooked();
    const { id, predict } = await customer();
    await predict();
    state.refuses = true;
    expect(await reconcile(id)).toMatchObject({
      findings: [],
      receipts: { charged: 1, books: [{ endpoint: 'all', receipts: 0, problem: expect.stringContaining('404') }] },
    });
  });

  test('a book that begins after the charge', async () => {
    const { customer, reconcile, book, state } = createBooked();
    const { id, predict } = await customer();
    await predict();
    book.length = 0;
    state.fromMs = Date.now() + 1;
    expect((await reconcile(id)).findings).toEqual([]);
    state.fromMs = 0;
    expect((await reconcile(id)).findings).toEqual([{ account: id, kind: 'unreceipted', seq: 1 }]);
  });

  test('receipts that nobody asked for', async () => {
    const { customer, reconcile, state } = createBooked();
    const { id, predict } = await customer();
    await predict();
    expect(await reconcile(id, '&receipts_hours=0')).toEqual({ accounts: 1, findings: [] });
    expect(state.pages).toBe(0);
  });
});
