import { expect, test } from 'vitest';
import { singleFlight } from '../../src/edge/single-flight.ts';

test('callers share one flight, and its success is kept', async () => {
  let loads = 0;
  const kept: Promise<unknown>[] = [];
  const get = singleFlight(
    async () => ++loads,
    (work) => kept.push(work),
  );
  expect(await Promise.all([get(), get(), get()])).toEqual([1, 1, 1]);
  expect(await get()).toBe(1);
  expect(kept).toHaveLength(1);
});

test('a failure reaches everybody who shares it and is tried again by the next', async () => {
  let loads = 0;
  const get = singleFlight(
    async () => {
      if (++loads === 1) throw new Error('first');
      return loads;
    },
    () => undefined,
  );
  const results = await Promise.allSettled([get(), get()]);
  expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
  expect(await get()).toBe(2);
});

test('what keeps the work alive never sees its failure', async () => {
  const kept: Promise<unknown>[] = [];
  const get = singleFlight(
    () => Promise.reject(new Error('no')),
    (work) => kept.push(work),
  );
  await expect(get()).rejects.toThrow('no');
  await expect(Promise.all(kept)).resolves.toEqual([undefined]);
});
