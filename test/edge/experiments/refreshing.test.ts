import { expect, test } from 'vitest';
import { refreshing } from '../../../src/edge/experiments/refreshing.ts';

/** A value that counts its readings, on a clock that tests move. */
function scripted() {
  let nowMs = 0;
  let readings = 0;
  let failing = false;
  let edition = 'first';
  const failures: unknown[] = [];
  const work: Promise<unknown>[] = [];
  const read = refreshing<number>({
    async load(last) {
      readings += 1;
      if (failing) throw new Error(`no reading after ${last}`);
      return readings;
    },
    initial: 0,
    freshMs: 10,
    trustedMs: 25,
    edition: () => edition,
    now: () => nowMs,
    keepAlive: (promise) => void work.push(promise),
    failed: (cause) => void failures.push(cause),
  });
  return {
    read,
    failures,
    readings: () => readings,
    at: (ms: number) => void (nowMs = ms),
    publish: (value: string) => void (edition = value),
    fail: (value: boolean) => void (failing = value),
    settle: () => Promise.all(work),
  };
}

test('is read before first use, then kept while it is fresh', async () => {
  const { read, readings, at } = scripted();
  expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
  at(9);
  expect(await read()).toBe(1);
  expect(readings()).toBe(1);
});

test('is read again in the background, and waited for once it is too old', async () => {
  const { read, at, settle } = scripted();
  await read();
  at(10);
  expect(await read()).toBe(1);
  await settle();
  expect(await read()).toBe(2);
  at(35);
  expect(await read()).toBe(3);
});

test('a failure keeps the last value, and is tried again only when that is due', async () => {
  const { read, at, fail, failures, readings, settle } = scripted();
  await read();
  fail(true);
  at(30);
  expect(await read()).toBe(1);
  at(39);
  expect(await read()).toBe(1);
  expect({ readings: readings(), failures: failures.length }).toEqual({ readings: 2, failures: 1 });
  fail(false);
  at(40);
  expect(await read()).toBe(3);
  await settle();
});

test('without a first value it gives the initial one', async () => {
  const { read, fail, failures } = scripted();
  fail(true);
  expect(await read()).toBe(0);
  expect(failures).toHaveLength(1);
});

test('of another edition is read before use, once', async () => {
  const { read, publish, fail, failures, readings, at } = scripted();
  await read();
  publish('second');
  expect(await Promise.all([read(), read()])).toEqual([2, 2]);
  expect(await read()).toBe(2);
  fail(true);
  publish('third');
  expect([await read(), await read()]).toEqual([2, 2]);
  expect({ readings: readings(), failures: failures.length }).toEqual({ readings: 3, failures: 1 });
  fail(false);
  at(10);
  await read();
  expect(readings()).toBe(4);
});
