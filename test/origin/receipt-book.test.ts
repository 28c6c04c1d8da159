// An origin's book of receipts on a real disk, and the way to it.

import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { parseJsonWith, parseWith } from '../../src/contract/parse.ts';
import { Receipt } from '../../src/contract/receipt.ts';
import { ReceiptsAnswer, type BookedReceipt } from '../../src/contract/receipt-book.ts';
import { generateKeySets } from '../../src/formats/signing/generate-keys.ts';
import { openKeyRing } from '../../src/formats/signing/key-ring.ts';
import { signRequest } from '../../src/formats/signing/request-signature.ts';
import { startOrigin } from '../../src/origin/index.ts';
import { openReceiptBook, type ReceiptBook } from '../../src/origin/receipt-book.ts';
import { matrix, texts } from './fake-app.ts';
import { createFakePredictor } from './fake-predictor.ts';

const root = mkdtempSync(join(tmpdir(), 'twinroute-receipts-'));
afterAll(() => rmSync(root, { recursive: true }));
let folder = '';
let nowMs = 0;
let books = 0;
const logged: string[] = [];
beforeEach(() => {
  folder = join(root, String(books++));
  nowMs = 1_000_000;
});

const open = (options: { fileBytes?: number; files?: number } = {}): ReceiptBook =>
  openReceiptBook(folder, { now: () => nowMs, log: (line) => void logged.push(line), ...options });
const receipt = (i: number): BookedReceipt => ({
  id: `r${i}`,
  config: '0123456789abcdef',
  rows: 1,
  tokens: i,
  mix: { cola: 0.5 },
  at_ms: nowMs,
  nonce: `nonce-${i}`,
});

/** Every receipt from a time on, page by page. */
function all(book: ReceiptBook, sinceMs = 0): number[] {
  const tokens: number[] = [];
  for (let cursor: string | undefined; ;) {
    const page = parseWith(ReceiptsAnswer, book.read(sinceMs, cursor), 'page', 'internal');
    tokens.push(...page.receipts.map((one) => one.tokens));
    cursor = page.next;
    if (cursor === undefined) return tokens;
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('a book', () => {
  test('has what was written, across pages, files and processes', () => {
    let book = open({ fileBytes: 100_000 });
    expect(book.read(0, undefined)).toEqual({ receipts: [], from_ms: nowMs });
    for (let i = 0; i < 5_000; i++) {
      if (i % 1_000 === 0) nowMs += 1_000;
      book.add(receipt(i));
      if (i === 2_500) {
        book.close();
        book = open({ fileBytes: 100_000 });
      }
    }
    expect(all(book)).toEqual(upTo(5_000));
    expect(all(book, nowMs)).toEqual(upTo(5_000).slice(4_000));
    expect(readdirSync(folder).length).toBeGreaterThan(4);
    book.close();
  });

  test('stays within its bound, and says since when it is complete', () => {
    const book = open({ fileBytes: 2_000, files: 3 });
    for (let i = 0; i < 200; i++) {
      nowMs += 10;
      book.add(receipt(i));
    }
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(3 * 2_000);
    const kept = all(book);
    expect(kept).toEqual(upTo(200).slice(-kept.length));
    expect(kept.length).toBeGreaterThan(20);
    expect(book.read(0, undefined).from_ms).toBe(book.read(0, undefined).receipts[0]?.at_ms);
    book.close();
  });

  test('many short processes lose nothing', () => {
    for (let i = 0; i < 40; i++) {
      const book = open({ files: 4 });
      book.add(receipt(i));
      book.close();
    }
    expect(all(open())).toEqual(upTo(40));
  });

  test('skips a line that a dying machine left half written, and files that are not its own', () => {
    const book = open();
    book.add(receipt(0));
    appendFileSync(join(folder, readdirSync(folder)[0] ?? ''), '{"id": "r1", "conf');
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const next = open();
    nowMs += 1;
    next.add(receipt(2));
    expect(all(next)).toEqual([0, 2]);
  });

  test('whose disk takes nothing logs that, and stops nobody', () => {
    const book = open();
    rmSync(folder, { recursive: true });
    expect(() => book.add(receipt(0))).not.toThrow();
    expect(logged.at(-1)).toContain('receipts: expected to write');
  });

  test('is refused where no folder can be', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => openReceiptBook(join(root, 'file', 'x'), { now: () => 0, log: () => undefined })).toThrow('folder for receipts');
  });
});

test('an origin writes what it signs, and shows it to its edges alone', async () => {
  const sets = await generateKeySets('ed25519');
  const edge = await openKeyRing(JSON.stringify(sets.edge), 'edge');
  const keys = await openKeyRing(JSON.stringify(sets.origin), 'origin');
  const book = openReceiptBook(folder, { now: Date.now, log: (line) => void logged.push(line) });
  const origin = await startOrigin({
    predictors: [createFakePredictor()],
    version: '0',
    maxDelayMs: 0,
    trust: { keys, now: Date.now, book },
    log: (line) => void logged.push(line),
  });
  const post = async (path: string, body: object, nonce: string): Promise<Response> => {
    const text = JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'x-request-id': 'r-7', 'x-request-deadline-ms': '5000' };
    const message = { method: 'POST', url: origin.url + path, headers };
    const signed = await signRequest({ keys: edge, now: Date.now, nonce: () => nonce }, message, new TextEncoder().encode(text));
    return fetch(signed.url, { method: 'POST', headers: { ...signed.headers }, body: text });
  };
  const question = { id: 'q', inputs: [texts('text', 'abc'), matrix('mix', [[0.25, 0.5, 0]])] };
  const answered = await post('/v2/models/glue/infer', question, 'nonce-1');
  expect(answered.status).toBe(200);
  const page = await post('/v2/receipts', { since_ms: 0 }, 'nonce-2');
  const { receipts } = parseWith(ReceiptsAnswer, await page.json(), 'page', 'internal');
  const told = parseJsonWith(Receipt, answered.headers.get('x-receipt') ?? '', 'receipt', 'internal');
  expect(receipts).toEqual([{ ...told, nonce: 'nonce-1', at_ms: expect.any(Number) }]);
  expect((await post('/v2/receipts', { since_ms: 0, cursor: '../etc:0' }, 'nonce-3')).status).toBe(400);
  expect((await post('/v2/receipts', { since_ms: 0 }, 'nonce-2')).status).toBe(401);
  expect((await fetch(`${origin.url}/v2/receipts`, { method: 'POST', body: '{"since_ms": 0}' })).status).toBe(401);
  await origin.close();
});
