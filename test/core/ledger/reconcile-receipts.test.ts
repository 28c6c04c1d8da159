// Ledger and origins' books, with losses and lies on either side.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry, EntryState, ReceiptNote } from '../../../src/core/ledger/entry.ts';
import { compareReceipts, type OriginReceipt, type Uncharged } from '../../../src/core/ledger/reconcile-receipts.ts';

const CONFIG = '0123456789abcdef';
const NONE: Uncharged = { shadow: 0, released: 0, open: 0, repeated: 0, other: 0 };

const note = (nonce: string, change: Partial<ReceiptNote> = {}): ReceiptNote => ({
  nonce,
  endpoint: 'eu',
  config: CONFIG,
  tokens: 7,
  mix: 'ab',
  ...change,
});
const booked = (nonce: string, id: string, change: Partial<OriginReceipt> = {}): OriginReceipt => ({ ...note(nonce), id, ...change });

function entry(seq: number, notes: readonly ReceiptNote[] | undefined, change: Partial<Entry> = {}): Entry {
  const tokens = (notes ?? []).reduce((sum, one) => sum + one.tokens, 0);
  const usage = { answers: notes?.length ?? 1, tokens, configs: [CONFIG], experts: [], ...(notes !== undefined && { receipts: notes }) };
  const money = { held: 10, charged: 5, openedMs: 1_000, changedMs: 1_000 };
  return {
    seq,
    key: 'k',
    idempotency: undefined,
    bodyHash: '',
    state: 'settled',
    ...money,
    request: `r${seq}`,
    operation: 'predict',
    usage,
    ...change,
  };
}

function compare(
  entries: readonly Entry[],
  books: readonly OriginReceipt[],
  canTell: (endpoint: string, atMs: number) => boolean = () => true,
) {
  const comparison = compareReceipts(new Map(books.map((receipt) => [receipt.nonce, receipt])), canTell);
  const findings = entries.flatMap((one) => comparison.add(one));
  return { findings, compared: comparison.compared, uncharged: comparison.uncharged() };
}

test('books that agree have no findings; a batch has a receipt for each answer', () => {
  const batch = entry(2, [note('b'), note('c')]);
  expect(compare([entry(1, [note('a')]), batch], [booked('a', 'r1'), booked('b', 'r2.0'), booked('c', 'r2.1')])).toEqual({
    findings: [],
    compared: 2,
    uncharged: NONE,
  });
});

test('answers of a batch by an engine that signs nothing stand beside those that are signed', () => {
  const usage = { answers: 2, tokens: 12, configs: [CONFIG, 'fedcba9876543210'], experts: [], receipts: [note('a')] };
  const unsigned = { answers: 1, tokens: 5 };
  expect(compare([entry(1, [], { usage: { ...usage, unsigned } })], [booked('a', 'r1.0')]).findings).toEqual([]);
  expect(compare([entry(1, [], { usage: { ...usage, unsigned: { answers: 1, tokens: 4 } } })], [booked('a', 'r1.0')]).findings).toEqual([
    { kind: 'usage', seq: 1, expected: 11, got: 12 },
  ]);
  expect(compare([entry(1, [], { usage })], [booked('a', 'r1.0')]).findings).toEqual([{ kind: 'usage', seq: 1, expected: 7, got: 12 }]);
});

describe('is found', () => {
  test.each<[string, readonly Entry[], readonly OriginReceipt[], readonly object[]]>([
    ['a charge that no origin signed for', [entry(1, [note('a')])], [], [{ kind: 'unreceipted', seq: 1 }]],
    [
      'a half of a batch that none signed for',
      [entry(1, [note('a'), note('b')])],
      [booked('a', 'r1.0')],
      [{ kind: 'unreceipted', seq: 1 }],
    ],
    [
      'another count of tokens',
      [entry(1, [note('a')])],
      [booked('a', 'r1', { tokens: 9 })],
      [{ kind: 'receipt', seq: 1, expected: 9, got: 7 }],
    ],
    ['another mix', [entry(1, [note('a')])], [booked('a', 'r1', { mix: 'cd' })], [{ kind: 'receipt', seq: 1, expected: 7, got: 7 }]],
    ['another config', [entry(1, [note('a')])], [booked('a', 'r1', { config: 'f' })], [{ kind: 'receipt', seq: 1, expected: 7, got: 7 }]],
    [
      'another origin',
      [entry(1, [note('a')])],
      [booked('a', 'r1', { endpoint: 'us' })],
      [{ kind: 'receipt', seq: 1, expected: 7, got: 7 }],
    ],
    ['a receipt that paid twice', [entry(1, [note('a')]), entry(2, [note('a')])], [booked('a', 'r1')], [{ kind: 'reused', seq: 2 }]],
    [
      'a charge for more tokens than were signed',
      [entry(1, [note('a')], { usage: { answers: 1, tokens: 70, configs: [CONFIG], experts: [], receipts: [note('a')] } })],
      [booked('a', 'r1')],
      [{ kind: 'usage', seq: 1, expected: 7, got: 70 }],
    ],
    [
      'a charge for more answers than were signed',
      [entry(1, [note('a')], { usage: { answers: 2, tokens: 7, configs: [CONFIG], experts: [], receipts: [note('a')] } })],
      [booked('a', 'r1')],
      [{ kind: 'usage', seq: 1, expected: 1, got: 2 }],
    ],
    [
      'a charge for another config than was signed',
      [entry(1, [note('a')], { usage: { answers: 1, tokens: 7, configs: ['f'], experts: [], receipts: [note('a')] } })],
      [booked('a', 'r1')],
      [{ kind: 'usage', seq: 1 }],
    ],
  ])('%s', (_, entries, books, findings) => {
    expect(compare(entries, books).findings).toEqual(findings);
  });
});

describe('is no finding', () => {
  test('what an origin’s book is too short, or was not got, to tell', () => {
    const entries = [entry(1, [note('a')], { openedMs: 5 }), entry(2, [note('b', { endpoint: 'us' })])];
    expect(compare(entries, [], (endpoint, atMs) => endpoint === 'eu' && atMs >= 10).findings).toEqual([]);
  });

  test('an answer that was kept from before, whether its receipt is in sight or not', () => {
    const cached = { cached: true } as const;
    const entries = [entry(1, [note('a')]), entry(2, [note('a', cached)]), entry(3, [note('old', cached)])];
    expect(compare(entries, [booked('a', 'r1')]).findings).toEqual([]);
  });

  test('a charge without signed answers, such as a route', () => {
    expect(compare([entry(1, undefined, { operation: 'route' })], [])).toMatchObject({ findings: [], compared: 0 });
  });
});

test('a receipt that nobody paid for is counted by its reason', () => {
  const states: readonly EntryState[] = ['settled', 'released', 'unknown', 'reserved'];
  const entries = states.map((state, i) => entry(i, state === 'settled' ? [note('paid')] : undefined, { state }));
  const books = [
    booked('paid', 'r0'),
    booked('hedge', 'r0'),
    booked('late', 'r1'),
    booked('late-of-a-batch', 'r1.3'),
    booked('lost', 'r2'),
    booked('running', 'r3'),
    booked('unseen', 'r0.shadow'),
    booked('free', 'somebody-else'),
  ];
  expect(compare(entries, books)).toEqual({
    findings: [],
    compared: 1,
    uncharged: { shadow: 1, released: 2, open: 2, repeated: 1, other: 1 },
  });
});

test('property: every injected loss is found, and nothing else', () => {
  const fault = fc.constantFrom('none', 'lost', 'tokens', 'mix', 'double', 'inflated');
  fc.assert(
    fc.property(fc.array(fault, { maxLength: 30 }), (faults) => {
      const entries: Entry[] = [];
      const books: OriginReceipt[] = [];
      const expected: string[] = [];
      for (const [i, kind] of faults.entries()) {
        const own = note(`n${i}`);
        const good = entry(entries.length, [own]);
        entries.push(kind === 'inflated' && good.usage ? { ...good, usage: { ...good.usage, tokens: 8 } } : good);
        if (kind !== 'lost')
          books.push(booked(`n${i}`, good.request, kind === 'tokens' ? { tokens: 6 } : kind === 'mix' ? { mix: 'x' } : {}));
        if (kind === 'double') entries.push(entry(entries.length, [own]));
        const found = { none: [], lost: ['unreceipted'], tokens: ['receipt'], mix: ['receipt'], double: ['reused'], inflated: ['usage'] }[
          kind
        ];
        expected.push(...found);
      }
      expect(compare(entries, books).findings.map(({ kind }) => kind)).toEqual(expected);
    }),
    { seed: 9, numRuns: 200 },
  );
});
