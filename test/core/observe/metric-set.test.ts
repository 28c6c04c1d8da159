import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMetricSet } from '../../../src/core/observe/metric-set.ts';

const TABLE = {
  asks: { name: 'asks', kind: 'counter', help: '', labels: ['who'] },
  waits: { name: 'waits', kind: 'histogram', help: '', labels: [], bounds: [1, 2] },
} as const;

test('an observation counts in the first bucket whose bound it does not pass', () => {
  const set = createMetricSet(TABLE);
  for (const value of [0, 1, 1.5, 2, 2.1, 100]) set.observe('waits', [], value);
  expect(set.all()).toEqual([{ metric: 'waits', labels: [], values: [2, 2, 2, 106.6] }]);
});

test('what is drained is gone, and adds up elsewhere to what it was', () => {
  const observation = fc.record({ who: fc.constantFrom('a', 'b', 'c'), by: fc.nat(100), wait: fc.double({ min: 0, max: 5, noNaN: true }) });
  fc.assert(
    fc.property(fc.array(fc.array(observation)), (batches) => {
      const whole = createMetricSet(TABLE);
      const part = createMetricSet(TABLE);
      const sum = createMetricSet(TABLE);
      for (const batch of batches) {
        for (const { who, by, wait } of batch)
          for (const set of [whole, part]) {
            set.add('asks', [who], by);
            set.observe('waits', [], wait);
          }
        sum.merge(part.drain());
        expect(part.all()).toEqual([]);
      }
      const numbers = (set: typeof sum) =>
        set.all().map(({ values, ...rest }) => ({ ...rest, values: values.map((value) => value.toFixed(6)) }));
      expect(numbers(sum)).toEqual(numbers(whole));
    }),
  );
});

test('a label with too many values ends in one series for all others', () => {
  const set = createMetricSet(TABLE);
  for (let i = 0; i < 3_000; i++) set.add('asks', [`caller-${i}`]);
  const series = set.all();
  expect(series).toHaveLength(2_001);
  expect(series.at(-1)).toEqual({ metric: 'asks', labels: ['other'], values: [1_000] });
  set.add('asks', ['caller-7']);
  expect(set.all()[7].values).toEqual([2]);
});

test('a long label is cut, and stays one series', () => {
  const set = createMetricSet(TABLE);
  for (let i = 0; i < 2; i++) set.add('asks', ['x'.repeat(1_000)]);
  expect(set.all()).toEqual([{ metric: 'asks', labels: ['x'.repeat(128)], values: [2] }]);
});

test('series of another version of the table are left out', () => {
  const set = createMetricSet(TABLE);
  set.merge([
    { metric: 'gone', labels: [], values: [1] },
    { metric: 'asks', labels: ['a', 'b'], values: [1] },
    { metric: 'waits', labels: [], values: [1, 1] },
    { metric: 'constructor', labels: [], values: [1] },
  ]);
  expect(set.all()).toEqual([]);
});
