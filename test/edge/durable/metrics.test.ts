import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { MetricsBatch } from '../../../src/core/observe/aggregate.ts';
import type { Series } from '../../../src/core/observe/metric.ts';
import { Metrics } from '../../../src/edge/durable/metrics.ts';
import { tellSwept } from '../../../src/edge/observe/tell-swept.ts';

function batch(reporter: string, seq: number, count: number): MetricsBatch {
  return {
    reporter,
    seq,
    series: [{ metric: 'errors', labels: ['timeout'], values: [count] }],
    levels: [{ metric: 'inFlight', labels: [], values: [count] }],
  };
}

const valueOf = (series: readonly Series[], metric: string): number | undefined => series.find((one) => one.metric === metric)?.values[0];

test('isolates add up, a batch that comes twice counts once', async () => {
  const stub = env.METRICS.getByName('sums');
  await stub.add(batch('a', 1, 5));
  await stub.add(batch('b', 1, 2));
  await stub.add(batch('a', 1, 5));
  await stub.add(batch('a', 2, 1));
  const series = await stub.read();
  expect([valueOf(series, 'errors'), valueOf(series, 'inFlight'), valueOf(series, 'isolates')]).toEqual([8, 3, 2]);
});

test('what was read is never taken back: an object that starts again has it', async () => {
  const stub = env.METRICS.getByName('restart');
  await stub.add(batch('a', 1, 5));
  await stub.read();
  await stub.add(batch('a', 2, 3));
  const series = await runInDurableObject(stub, (_, state) => {
    const again = new Metrics(state, env);
    again.add(batch('a', 1, 5));
    return again.read();
  });
  expect(valueOf(series, 'errors')).toBe(5);
});

test('sums that nobody reads are saved half a minute later', async () => {
  const stub = env.METRICS.getByName('alarm');
  await stub.add(batch('a', 1, 5));
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  const series = await runInDurableObject(stub, (_, state) => new Metrics(state, env).read());
  expect(valueOf(series, 'errors')).toBe(5);
  await stub.add(batch('a', 2, 1));
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await runDurableObjectAlarm(stub)).toBe(false);
});

test('series of another version of the table are left out, the rest is counted', async () => {
  const stub = env.METRICS.getByName('versions');
  await stub.add({ ...batch('a', 1, 5), series: [{ metric: 'gone', labels: [], values: [1] }, ...batch('a', 1, 5).series] });
  const series = await stub.read();
  expect(series.map(({ metric }) => metric).sort()).toEqual(['errors', 'inFlight', 'isolates']);
});

test('sweeps of ledgers are counted, and are no isolate', async () => {
  await tellSwept(env, ['unknown', 'unknown', 'released']);
  const series = await env.METRICS.getByName('all').read();
  expect(series.filter(({ metric }) => metric === 'ledger').map(({ labels, values }) => [...labels, ...values])).toEqual([
    ['sweep', 'unknown', 2],
    ['sweep', 'released', 1],
  ]);
  expect(valueOf(series, 'isolates')).toBe(0);
});
