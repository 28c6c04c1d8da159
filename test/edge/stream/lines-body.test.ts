import { expect, test } from 'vitest';
import { asCompleted } from '../../../src/edge/stream/as-completed.ts';
import { linesBody } from '../../../src/edge/stream/lines-body.ts';

/** A body of numbers, and what its end was told. */
function bodyOf(items: AsyncGenerator<number, void, undefined>, longestMs = 5_000) {
  const ends: boolean[] = [];
  const given = new AbortController();
  const { body, ended } = linesBody({
    items,
    line: String,
    async end(complete) {
      ends.push(complete);
      return 'end';
    },
    given,
    longestMs,
  });
  const reader = body.getReader();
  const next = async (): Promise<string | undefined> => {
    const { value } = await reader.read();
    return value && new TextDecoder().decode(value);
  };
  return { next, cancel: () => reader.cancel(), ended, ends, given };
}

async function* after(ms: number): AsyncGenerator<number, void, undefined> {
  yield 1;
  await new Promise((resolve) => void setTimeout(resolve, ms));
  yield 2;
}

test('lines leave as they are asked for, and the end is told once', async () => {
  const { next, ended, ends, given } = bodyOf(after(0));
  expect([await next(), await next(), await next(), await next()]).toEqual(['1\n', '2\n', 'end\n', undefined]);
  await ended;
  given.abort();
  expect(ends).toEqual([true]);
});

test('while nothing is ready, a blank line leaves every second', async () => {
  const { next } = bodyOf(after(1_200));
  expect([await next(), await next(), await next()]).toEqual(['1\n', '\n', '2\n']);
});

test('a reader who takes too long is given up', async () => {
  const { next, ended, ends, given } = bodyOf(after(3_000), 50);
  expect(await next()).toBe('1\n');
  await ended;
  expect([ends, given.signal.aborted]).toEqual([[false], true]);
  await expect(next()).rejects.toThrow('expected the whole answer to be read in time');
});

test('a reader who leaves twice, by the body and by the request, is one', async () => {
  const { next, cancel, ended, ends, given } = bodyOf(after(3_000));
  await next();
  given.abort();
  await cancel();
  await ended;
  expect(ends).toEqual([false]);
});

test('work is taken in the order in which it ends, a few at once, and none begins once it is given up', async () => {
  const given = new AbortController();
  const begun: number[] = [];
  const waits = [60, 20, 40, 0, 0];
  const results = asCompleted(
    waits.length,
    3,
    async (index) => {
      begun.push(index);
      await new Promise((resolve) => void setTimeout(resolve, waits[index]));
      return index;
    },
    given.signal,
  );
  expect((await results.next()).value).toBe(1);
  expect(begun).toEqual([0, 1, 2]);
  given.abort();
  expect([(await results.next()).value, (await results.next()).value, (await results.next()).done]).toEqual([2, 0, true]);
  expect(begun).toEqual([0, 1, 2]);
});
