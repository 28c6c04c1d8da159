import { expect, test } from 'vitest';
import { readBounded } from '../../src/contract/read-bounded.ts';

const MIB = 1024 * 1024;
const tooLarge = (): Error => new Error('too large');

/** A body of `count` chunks that tells how many were taken. */
function chunks(count: number, bytes: number, header?: number) {
  const taken = { count: 0 };
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (taken.count === count) controller.close();
    else controller.enqueue(new Uint8Array(bytes).fill(taken.count++));
  };
  const body = new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
  return { taken, message: { headers: new Headers(header === undefined ? {} : { 'content-length': `${header}` }), body } };
}

test('a body within the limit comes whole', async () => {
  const bytes = await readBounded(chunks(3, 2).message, 6, tooLarge);
  expect([...bytes]).toEqual([0, 0, 1, 1, 2, 2]);
  expect(await readBounded({ headers: new Headers(), body: null }, 6, tooLarge)).toEqual(new Uint8Array(0));
});

test('a larger one is refused once all of it has come, so that its sender reads the answer', async () => {
  const { message, taken } = chunks(7, 1, 7);
  await expect(readBounded(message, 6, tooLarge)).rejects.toThrow('too large');
  expect(taken.count).toBe(7);
});

test('one that promises less than it sends is refused as well, and an endless one is given up', async () => {
  const { message, taken } = chunks(1000, MIB, 1);
  await expect(readBounded(message, MIB, tooLarge)).rejects.toThrow('too large');
  expect(taken.count).toBeLessThan(16);
});

test('one that announces too much is not read at all', async () => {
  const { message, taken } = chunks(1, 1, 100 * MIB);
  await expect(readBounded(message, MIB, tooLarge)).rejects.toThrow('too large');
  expect(taken.count).toBe(0);
});

test('one that does not come is given up, and its sender told', async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(1)),
    cancel: (reason) => cancelled.resolve(reason),
  });
  const stop = Promise.reject(new Error('too late'));
  await expect(readBounded({ headers: new Headers(), body }, 6, tooLarge, stop)).rejects.toThrow('too late');
  await cancelled.promise;
});

test.each([
  ['as long as it says', 4],
  ['longer than it says', 3],
  ['shorter than it says', 5],
])('a stream of bytes that is %s comes whole, and within the limit only', async (_, announced) => {
  const stream = (): ReadableStream<Uint8Array> => new Blob([new Uint8Array([1, 2, 3, 4])]).stream();
  const headers = new Headers({ 'content-length': `${announced}` });
  expect([...(await readBounded({ headers, body: stream() }, 5, tooLarge))]).toEqual([1, 2, 3, 4]);
  await expect(readBounded({ headers: new Headers({ 'content-length': '2' }), body: stream() }, 3, tooLarge)).rejects.toThrow('too large');
});
