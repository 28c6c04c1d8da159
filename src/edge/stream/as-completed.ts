// Work in parallel whose results are taken in the order in which they come.

/**
 * Results of `task(0)` … `task(count − 1)`, each when it is ready. At most `limit` are under way or wait to be taken, so whoever takes slowly slows
 * the work down.
 * @param task never rejects
 * @param given starts no more once it is aborted
 */
export async function* asCompleted<T>(
  count: number,
  limit: number,
  task: (index: number) => Promise<T>,
  given: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const running = new Map<number, Promise<readonly [number, T]>>();
  const begin = async (index: number): Promise<readonly [number, T]> => [index, await task(index)];
  for (let next = 0; ;) {
    while (next < count && running.size < limit && !given.aborted) {
      running.set(next, begin(next));
      next += 1;
    }
    if (running.size === 0) return;
    const [index, result] = await Promise.race(running.values());
    running.delete(index);
    yield result;
  }
}
