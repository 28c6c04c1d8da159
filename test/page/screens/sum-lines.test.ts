import { expect, test } from 'vitest';
import type { StatementLine } from '../../../src/contract/usage.ts';
import { sumLines } from '../../../src/page/screens/usage/sum-lines.ts';

const A = 'a'.repeat(16);
const B = 'b'.repeat(16);
const line = (seq: number, change: Partial<StatementLine>): StatementLine => ({
  seq,
  key: 'k',
  request: `r${seq}`,
  operation: 'predict',
  state: 'settled',
  held_micros: 100,
  charged_micros: 10,
  at_ms: Date.UTC(2026, 10, 24, 12),
  usage: { answers: 1, tokens: 7, configs: [A], experts: [] },
  ...change,
});

test('what was settled is summed by day and config, the latest day and the dearest config first', () => {
  const before = Date.UTC(2026, 10, 23, 12);
  const lines = [
    line(1, { at_ms: before }),
    line(2, {}),
    line(3, {}),
    line(4, { charged_micros: 500, usage: { answers: 2, tokens: 9, configs: [B], experts: [] } }),
    line(5, { state: 'released', charged_micros: 0 }),
    line(6, { state: 'unknown', charged_micros: 0 }),
  ];
  expect(sumLines(lines)).toEqual([
    { day: '2026-11-24', config: B, requests: 1, answers: 2, tokens: 9, micros: 500 },
    { day: '2026-11-24', config: A, requests: 2, answers: 2, tokens: 14, micros: 20 },
    { day: '2026-11-23', config: A, requests: 1, answers: 1, tokens: 7, micros: 10 },
  ]);
  expect(sumLines([])).toEqual([]);
});
