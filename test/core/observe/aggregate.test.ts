import { expect, test } from 'vitest';
import { createAggregate, type MetricsBatch } from '../../../src/core/observe/aggregate.ts';

const TABLE = {
  asks: { name: 'asks', kind: 'counter', help: '', labels: [] },
  busy: { name: 'busy', kind: 'gauge', help: '', labels: [] },
} as const;

function batch(reporter: string, seq: number, asks: number, busy: number): MetricsBatch {
  return {
    reporter,
    seq,
    series: [{ metric: 'asks', labels: [], values: [asks] }],
    levels: [{ metric: 'busy', labels: [], values: [busy] }],
  };
}
const values = (series: readonly { metric: string; values: number[] }[]) =>
  Object.fromEntries(series.map(({ metric, values: [value] }) => [metric, value]));

test('counters of all reporters add up, levels are the latest of each', () => {
  const aggregate = createAggregate(TABLE);
  aggregate.add(batch('a', 1, 5, 2), 0);
  aggregate.add(batch('b', 1, 7, 1), 0);
  aggregate.add(batch('a', 2, 1, 4), 10);
  expect(values(aggregate.read(20))).toEqual({ asks: 13, busy: 5 });
});

test('a batch that comes again counts once', () => {
  const aggregate = createAggregate(TABLE);
  expect([aggregate.add(batch('a', 1, 5, 2), 0), aggregate.add(batch('a', 1, 5, 2), 1), aggregate.add(batch('a', 2, 1, 0), 2)]).toEqual([
    true,
    false,
    true,
  ]);
  expect(values(aggregate.read(3))).toEqual({ asks: 6, busy: 0 });
});

test('levels of a reporter that has gone silent no longer count, its counters do', () => {
  const aggregate = createAggregate(TABLE);
  aggregate.add(batch('a', 1, 5, 2), 0);
  aggregate.add(batch('b', 1, 1, 3), 50_000);
  expect([aggregate.reporters(50_000), aggregate.reporters(61_000)]).toEqual([2, 1]);
  expect(values(aggregate.read(61_000))).toEqual({ asks: 6, busy: 3 });
});

test('an aggregate made again from what was saved knows its sums and which batches it has', () => {
  const first = createAggregate(TABLE);
  first.add(batch('a', 3, 5, 2), 0);
  const second = createAggregate(TABLE, structuredClone(first.save(1)));
  expect(second.add(batch('a', 3, 5, 2), 2)).toBe(false);
  second.add(batch('a', 4, 1, 9), 3);
  expect(values(second.read(4))).toEqual({ asks: 6, busy: 9 });
});

test('reporters that are gone for long are forgotten', () => {
  const aggregate = createAggregate(TABLE);
  aggregate.add(batch('a', 1, 5, 2), 0);
  aggregate.add(batch('b', 1, 5, 2), 500_000);
  expect(aggregate.save(700_000).reporters.map(([name]) => name)).toEqual(['b']);
});
