import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metricStyle, orderMetrics } from '../../../src/page/format/metric.ts';
import { money } from '../../../src/page/format/money.ts';
import { bytes, counted, milliseconds, percent } from '../../../src/page/format/number.ts';
import { dayKey } from '../../../src/page/format/time.ts';

/** With plain spaces. */
const spaced = (text: string): string => text.replaceAll('\u00a0', ' ');

describe('amounts', () => {
  test.each([
    [0, '0.00 USD'],
    [1_250_000, '1.25 USD'],
    [999_997_191, '999.997191 USD'],
    [32, '0.000032 USD'],
    [-10_000, '−0.01 USD'],
    [1e12, '1,000,000.00 USD'],
  ])('%d micro-units are %s', (micros, text) => expect(spaced(money(micros, 'USD'))).toBe(text));

  test('never round: whatever the amount, its text says exactly that', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e15 }), (micros) => {
        const [whole, part = ''] = money(micros, 'X').replaceAll(',', '').split('\u00a0')[0].split('.');
        expect(BigInt(whole) * 1_000_000n + BigInt(part.padEnd(6, '0'))).toBe(BigInt(micros));
      }),
    );
  });
});

test.each([
  [percent(0.931), '93.1 %'],
  [percent(0.0012), '0.12 %'],
  [percent(0), '0.0 %'],
  [milliseconds(12.34), '12.3 ms'],
  [milliseconds(123.4), '123 ms'],
  [milliseconds(1250), '1.25 s'],
  [bytes(700_123), '700.1 kB'],
  [bytes(6_820_000), '6.82 MB'],
  [counted(1, 'answer'), '1 answer'],
  [counted(1234, 'entry', 'entries'), '1,234 entries'],
])('%s', (got, text) => expect(spaced(got)).toBe(text));

test('days are the ledger’s, in UTC', () => {
  expect(dayKey(Date.UTC(2026, 10, 24, 23, 59))).toBe('2026-11-24');
});

test('metrics come in one order, and differences say their sign and unit', () => {
  expect(orderMetrics(['outcome.b', 'abstain', 'latency_ms', 'outcome.a', 'error', 'error'])).toEqual([
    'latency_ms',
    'error',
    'abstain',
    'outcome.a',
    'outcome.b',
  ]);
  expect(spaced(metricStyle('error').difference(0.012))).toBe('+1.2 pp');
  expect(spaced(metricStyle('latency_ms').difference(-0.517))).toBe('−51.7 %');
  expect(metricStyle('outcome.solved')).toMatchObject({ name: 'Outcome: solved' });
  expect(metricStyle('outcome.solved').difference(0)).toBe('0');
});
