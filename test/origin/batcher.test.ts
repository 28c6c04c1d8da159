// The batcher against a clock under the test's hand: when batches close, who is dropped, and that no row is lost or doubled.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTwinrouteError, TwinrouteError } from '../../src/core/errors.ts';
import { createBatcher, type BatcherLimits } from '../../src/origin/batcher.ts';
import { createFakeClock, settle, type FakeClock } from './fake-clock.ts';

const LIMITS = { maxBatch: 4, maxDelayMs: 2, maxQueue: 16 };
const INSTANCES = fc.integer({ min: 1, max: 3 });

/** A batcher over a run that takes `runMs`, doubles numbers, fails on negative ones, and records its batches. */
type Choose = (waiting: readonly number[], maxRows: number) => readonly number[];

function createHarness(limits: Partial<BatcherLimits> & { runMs?: number; choose?: Choose; instances?: number } = {}) {
  const { runMs = 10, ...rest } = limits;
  const clock: FakeClock = createFakeClock();
  const batches: { at: number; rows: readonly number[] }[] = [];
  const running = new Map<number, number>();
  const most = { together: 0, onOne: 0 };
  const run = async (rows: readonly number[], instance: number): Promise<readonly number[]> => {
    batches.push({ at: clock.now(), rows });
    running.set(instance, (running.get(instance) ?? 0) + 1);
    const counts = [...running.values()];
    most.together = Math.max(
      most.together,
      counts.reduce((sum, count) => sum + count, 0),
    );
    most.onOne = Math.max(most.onOne, ...counts);
    await new Promise<void>((resolve) => clock.after(runMs, resolve));
    running.set(instance, (running.get(instance) ?? 0) - 1);
    if (rows.some((row) => row < 0)) throw new TwinrouteError('internal', 'run: poison');
    return rows.map((row) => row * 2);
  };
  const batcher = createBatcher<number, number>({ run, clock, ...LIMITS, ...rest });
  return { clock, batches, batcher, most };
}

/** The code of what a promise rejects with, or what it gave. */
const outcome = <T>(promise: Promise<T>): Promise<T | string> =>
  promise.catch((error: unknown) => (isTwinrouteError(error) ? error.code : String(error)));

describe('when a batch closes', () => {
  test('at once when it is full', async () => {
    const { clock, batches, batcher } = createHarness();
    const answer = batcher.submit([1, 2, 3, 4]);
    await settle();
    expect(batches).toEqual([{ at: 0, rows: [1, 2, 3, 4] }]);
    await clock.advance(10);
    expect(await answer).toEqual({ outputs: [2, 4, 6, 8], queueMs: 0, computeMs: 10 });
  });

  test('when its oldest row has waited long enough', async () => {
    const { clock, batches, batcher } = createHarness();
    const first = batcher.submit([1]);
    await clock.advance(1.5);
    const second = batcher.submit([2]);
    await clock.advance(20);
    expect(batches).toEqual([{ at: 2, rows: [1, 2] }]);
    expect((await first).queueMs).toBe(2);
    expect((await second).queueMs).toBe(0.5);
  });

  test('rows that come during a run go together into the next one, at its end', async () => {
    const { clock, batches, batcher, most } = createHarness();
    const answers = [batcher.submit([1, 2, 3, 4])];
    for (let i = 5; i < 8; i++) {
      await clock.advance(2);
      answers.push(batcher.submit([i]));
    }
    await clock.advance(30);
    expect(batches.map(({ at, rows }) => [at, ...rows])).toEqual([
      [0, 1, 2, 3, 4],
      [10, 5, 6, 7],
    ]);
    expect((await Promise.all(answers)).flatMap(({ outputs }) => outputs)).toEqual([2, 4, 6, 8, 10, 12, 14]);
    expect(most.together).toBe(1);
  });

  test('each instance has a run of its own, and a free one takes what is due', async () => {
    const { clock, batches, batcher, most } = createHarness({ instances: 2 });
    const answers = [batcher.submit([1, 2, 3, 4, 5, 6, 7, 8, 9])];
    await clock.advance(3);
    answers.push(batcher.submit([10]));
    await clock.advance(40);
    expect(batches.map(({ at, rows }) => [at, ...rows])).toEqual([
      [0, 1, 2, 3, 4],
      [0, 5, 6, 7, 8],
      [10, 9, 10],
    ]);
    expect((await Promise.all(answers)).map(({ outputs }) => outputs)).toEqual([[2, 4, 6, 8, 10, 12, 14, 16, 18], [20]]);
    expect(most).toEqual({ together: 2, onOne: 1 });
  });

  test('whoever knows what runs cost chooses among the waiting rows; answers keep the order of their requests', async () => {
    const alike: Choose = (waiting, maxRows) => [...waiting.keys()].filter((i) => waiting[i] % 2 === waiting[0] % 2).slice(0, maxRows);
    const { clock, batches, batcher } = createHarness({ choose: alike });
    const answers = [batcher.submit([1, 2, 3]), batcher.submit([4, 5]), batcher.submit([7, 9, 11])];
    await clock.advance(100);
    expect(batches.map(({ rows }) => rows)).toEqual([
      [1, 3, 5],
      [2, 4],
      [7, 9, 11],
    ]);
    expect((await Promise.all(answers)).map(({ outputs }) => outputs)).toEqual([
      [2, 4, 6],
      [8, 10],
      [14, 18, 22],
    ]);
  });

  test('a request longer than a batch runs in several and is answered in order', async () => {
    const { clock, batches, batcher } = createHarness();
    const answer = batcher.submit([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await clock.advance(40);
    expect(batches.map(({ rows }) => rows.length)).toEqual([4, 4, 1]);
    expect(await answer).toEqual({ outputs: [2, 4, 6, 8, 10, 12, 14, 16, 18], queueMs: 0, computeMs: 30 });
  });

  test('no rows need no run', async () => {
    const { batches, batcher } = createHarness();
    expect(await batcher.submit([])).toEqual({ outputs: [], queueMs: 0, computeMs: 0 });
    expect(batches).toEqual([]);
  });
});

describe('who is dropped', () => {
  test('a row whose deadline passed in the queue does not run, and is told at its deadline', async () => {
    const { clock, batches, batcher } = createHarness();
    const running = batcher.submit([1, 2, 3, 4]);
    const late = outcome(batcher.submit([5], { deadline: 6 }));
    await clock.advance(6);
    expect(await late).toBe('timeout');
    const kept = batcher.submit([6]);
    await clock.advance(30);
    await Promise.all([running, kept]);
    expect(batches.map(({ rows }) => rows)).toEqual([[1, 2, 3, 4], [6]]);
    expect(clock.pending).toBe(0);
  });

  test('a request whose deadline passes while it runs is told at its deadline', async () => {
    const { clock, batcher } = createHarness();
    const late = outcome(batcher.submit([1, 2, 3, 4], { deadline: 5 }));
    await clock.advance(5);
    expect(await late).toBe('timeout');
  });

  test('a caller that leaves takes its waiting rows along', async () => {
    const { clock, batches, batcher } = createHarness();
    const controller = new AbortController();
    const left = outcome(batcher.submit([1], { signal: controller.signal }));
    const kept = batcher.submit([2]);
    controller.abort();
    expect(await left).toBe('timeout');
    await clock.advance(20);
    await kept;
    expect(batches.map(({ rows }) => rows)).toEqual([[2]]);
    expect(await outcome(batcher.submit([3], { signal: AbortSignal.abort() }))).toBe('timeout');
  });

  test('a caller that leaves during a run frees its places in the queue at once', async () => {
    const { clock, batcher } = createHarness({ maxQueue: 4 });
    const running = batcher.submit([1, 2, 3, 4]);
    const controller = new AbortController();
    const left = outcome(batcher.submit([5, 6, 7, 8], { signal: controller.signal }));
    expect(await outcome(batcher.submit([9]))).toBe('overloaded');
    controller.abort();
    const kept = batcher.submit([10]);
    await clock.advance(30);
    expect(await left).toBe('timeout');
    expect((await kept).outputs).toEqual([20]);
    await running;
  });

  test('an answered request leaves no timer behind', async () => {
    const { clock, batcher } = createHarness();
    const answer = batcher.submit([1, 2, 3, 4], { deadline: 30_000 });
    await clock.advance(10);
    await answer;
    expect(clock.pending).toBe(0);
  });

  test('a request that does not fit the queue, with a hint from the measured rate', async () => {
    const { clock, batcher } = createHarness({ runMs: 2000 });
    const measured = batcher.submit([1, 2, 3, 4]);
    await clock.advance(2000);
    await measured; // 4 rows in 2 s
    const waiting = [batcher.submit([1, 2, 3, 4]), batcher.submit(Array.from({ length: 16 }, () => 1))];
    const refused = await batcher.submit([1]).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'overloaded', retryAfterSeconds: 8 });
    await clock.advance(20_000);
    await Promise.all(waiting);
  });

  test('after close: waiting rows and new ones, but not the running ones', async () => {
    const { clock, batcher } = createHarness();
    const running = batcher.submit([1, 2, 3, 4]);
    const waiting = outcome(batcher.submit([5]));
    let closed = false;
    const closing = batcher.close().then(() => (closed = true));
    expect(await waiting).toBe('unavailable');
    expect(await outcome(batcher.submit([6]))).toBe('unavailable');
    expect(closed).toBe(false);
    await clock.advance(10);
    await closing;
    expect((await running).outputs).toEqual([2, 4, 6, 8]);
  });
});

describe('when a run fails', () => {
  test('a poisonous row takes down only its own request', async () => {
    const { clock, batches, batcher } = createHarness();
    const outcomes = [[1], [-2, 3], [4]].map((rows) => outcome(batcher.submit(rows).then(({ outputs }) => outputs)));
    await clock.advance(100);
    expect(await Promise.all(outcomes)).toEqual([[2], 'internal', [8]]);
    // Row 3 is not worth a run any more.
    expect(batches.map(({ rows }) => rows)).toEqual([[1, -2, 3, 4], [1], [-2], [4]]);
  });

  test('a row that was alone is not tried again', async () => {
    const { clock, batches, batcher } = createHarness();
    const failed = outcome(batcher.submit([-1]));
    await clock.advance(50);
    expect(await failed).toBe('internal');
    expect(batches.length).toBe(1);
  });

  test('outputs that are not one per row are a failure', async () => {
    const clock = createFakeClock();
    const batcher = createBatcher<number, number>({ run: () => Promise.resolve([]), clock, ...LIMITS, maxDelayMs: 0 });
    expect(await outcome(batcher.submit([1]))).toBe('internal');
  });
});

test('no row is lost or doubled under random arrivals, deadlines, departures and failures', async () => {
  const request = fc.record({
    waitMs: fc.integer({ min: 0, max: 8 }),
    rows: fc.array(
      fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 1000 }) }, { weight: 1, arbitrary: fc.integer({ min: -1000, max: -1 }) }),
      { minLength: 1, maxLength: 6 },
    ),
    budgetMs: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    leavesAfterMs: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { maxLength: 20 }),
      fc.integer({ min: 1, max: 15 }),
      INSTANCES,
      async (requests, runMs, instances) => {
        const { clock, batches, batcher, most } = createHarness({ runMs, instances });
        const outcomes: Promise<readonly number[] | string>[] = [];
        const settledTimes = requests.map(() => 0);
        for (const [i, { waitMs, rows, budgetMs, leavesAfterMs }] of requests.entries()) {
          await clock.advance(waitMs);
          const controller = new AbortController();
          if (leavesAfterMs !== undefined) clock.after(leavesAfterMs, () => controller.abort());
          // Rows carry their request's number, so that a doubled or mixed-up row shows.
          const tagged = rows.map((row) => (row < 0 ? row : row * 100 + i));
          const deadline = budgetMs === undefined ? Infinity : clock.now() + budgetMs;
          const answer = batcher.submit(tagged, { deadline, signal: controller.signal }).then(({ outputs }) => outputs);
          outcomes.push(
            outcome(answer).finally(() => {
              settledTimes[i] += 1;
            }),
          );
        }
        await clock.advance(10_000);
        const results = await Promise.all(outcomes);
        expect(settledTimes.every((times) => times === 1)).toBe(true);
        expect(most.together).toBeLessThanOrEqual(instances);
        expect(most.onOne).toBeLessThanOrEqual(1);
        expect(batches.every(({ rows }) => rows.length >= 1 && rows.length <= LIMITS.maxBatch)).toBe(true);
        expect(clock.pending).toBe(0);
        for (const [i, { rows, budgetMs, leavesAfterMs }] of requests.entries()) {
          const result = results[i];
          const failures = [
            'overloaded',
            ...(rows.some((row) => row < 0) ? ['internal'] : []),
            ...(budgetMs !== undefined || leavesAfterMs !== undefined ? ['timeout'] : []),
          ];
          const expected = typeof result === 'string' ? failures : [rows.map((row) => (row * 100 + i) * 2)];
          expect(expected).toContainEqual(result);
        }
        // Every good row ran at most once by itself or in a batch that did not fail.
        const ran = batches.filter(({ rows }) => rows.every((row) => row > 0)).flatMap(({ rows }) => rows);
        const sent = requests.flatMap(({ rows }, i) => rows.filter((row) => row > 0).map((row) => row * 100 + i));
        const count = (list: readonly number[], value: number): number => list.filter((other) => other === value).length;
        for (const row of new Set(ran)) expect(count(ran, row)).toBeLessThanOrEqual(count(sent, row));
      },
    ),
    { seed: 3, numRuns: 150 },
  );
});
