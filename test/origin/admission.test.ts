// Who is let in: nobody who would wait until it is too late, and everybody else.

import { expect, test } from 'vitest';
import { isTwinrouteError } from '../../src/core/errors.ts';
import { withAdmission } from '../../src/origin/admission.ts';
import { createBatcher } from '../../src/origin/batcher.ts';
import { createFakeClock } from './fake-clock.ts';

/** Runs of four rows that take 100 ms: 40 rows a second. */
function createHarness(maxQueue = 1000) {
  const clock = createFakeClock();
  const run = async (rows: readonly number[]): Promise<readonly number[]> => {
    await new Promise<void>((resolve) => clock.after(100, resolve));
    return rows;
  };
  const limits = { clock, maxBatch: 4, maxQueue };
  const batcher = withAdmission(createBatcher<number, number>({ run, maxDelayMs: 1, ...limits }), limits);
  const outcomes: string[] = [];
  const retries: number[] = [];
  const refusedAfterMs: number[] = [];
  /** A row that may take so long, from now on. */
  const submit = (ms: number): Promise<void> => {
    const sentMs = clock.now();
    return batcher.submit([1], { deadline: sentMs + ms }).then(
      () => void outcomes.push('answered'),
      (error: unknown) => {
        outcomes.push(isTwinrouteError(error) ? error.code : String(error));
        if (isTwinrouteError(error) && error.code === 'overloaded') {
          retries.push(error.retryAfterSeconds ?? 0);
          refusedAfterMs.push(clock.now() - sentMs);
        }
      },
    );
  };
  const count = (outcome: string): number => outcomes.filter((each) => each === outcome).length;
  return { clock, batcher, submit, count, retries, refusedAfterMs };
}

test('at twice the capacity what is let in is answered in time, as much as can be, and the rest is refused at once', async () => {
  const { clock, submit, count, retries, refusedAfterMs } = createHarness();
  const waiting: Promise<void>[] = [];
  for (let i = 0; i < 800; i++) {
    waiting.push(submit(1000));
    await clock.advance(12.5);
  }
  await clock.advance(2000);
  await Promise.all(waiting);
  expect(count('timeout')).toBe(0);
  // 10 s of 40 a second, and the queue that is left at the end.
  expect(count('answered')).toBeGreaterThan(0.95 * 400);
  expect(count('answered') + count('overloaded')).toBe(800);
  expect(Math.max(...refusedAfterMs)).toBe(0);
  expect(Math.min(...retries)).toBe(1);
});

test('who has time enough is let in', async () => {
  const { clock, submit, count } = createHarness();
  const waiting = Array.from({ length: 200 }, () => submit(30_000));
  await clock.advance(6000);
  await Promise.all(waiting);
  expect(count('answered')).toBe(200);
});

test('idle time does not make an origin look slow', async () => {
  const { clock, submit, count } = createHarness();
  const first = Array.from({ length: 40 }, () => submit(30_000));
  await clock.advance(60_000);
  await Promise.all(first);
  // 20 rows take half a second.
  const second = Array.from({ length: 20 }, () => submit(1000));
  await clock.advance(1000);
  await Promise.all(second);
  expect(count('answered')).toBe(60);
});

test('a look at the door tells what a row would be told, and takes no place', async () => {
  const { clock, batcher, submit } = createHarness(20);
  const told = (): string => {
    try {
      batcher.check(clock.now() + 60_000);
      return 'come in';
    } catch (error) {
      return isTwinrouteError(error) ? error.code : String(error);
    }
  };
  // Nothing is known of the rate until the first run has ended.
  const waiting = Array.from({ length: 4 }, () => submit(60_000));
  await clock.advance(101);
  for (let i = 0; i < 24; i++) {
    expect(told()).toBe('come in');
    waiting.push(submit(60_000));
  }
  expect(told()).toBe('overloaded');
  await clock.advance(60_000);
  await Promise.all(waiting);
  expect(told()).toBe('come in');
});
