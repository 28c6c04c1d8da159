import { expect, test } from 'vitest';
import { TwinrouteError, type ErrorCode } from '../../../src/core/errors.ts';
import { watchLoss } from '../../../src/host/devices/watch-loss.ts';

/** Sessions whose runs throw the codes in turn. */
function failing(codes: ErrorCode[]) {
  let runs = 0;
  return {
    runs: () => runs,
    create: () =>
      Promise.resolve({
        run: () => {
          runs += 1;
          const code = codes.shift();
          return code === undefined ? Promise.resolve({}) : Promise.reject(new TwinrouteError(code, `run: ${code}`));
        },
        release: () => Promise.resolve(),
      }),
  };
}

test('a loss is told once, and later runs fail without asking the device', async () => {
  const thread = failing(['internal', 'unavailable']);
  const { threads, lost } = watchLoss([thread, thread]);
  const [first, second] = await Promise.all(threads.map((own) => own.create(new Uint8Array(), {})));
  await expect(first.run({})).rejects.toMatchObject({ code: 'internal' });
  await expect(first.run({})).rejects.toMatchObject({ code: 'unavailable' });
  await expect(lost).resolves.toMatchObject({ message: 'run: unavailable' });
  await expect(second.run({})).rejects.toMatchObject({ code: 'unavailable' });
  expect(thread.runs()).toBe(2);
});

test('runs that succeed or fail otherwise lose nothing', async () => {
  const { threads, lost } = watchLoss([failing(['internal', 'shape'])]);
  const session = await threads[0].create(new Uint8Array(), {});
  await expect(session.run({})).rejects.toMatchObject({ code: 'internal' });
  await expect(session.run({})).rejects.toMatchObject({ code: 'shape' });
  expect(await session.run({})).toEqual({});
  expect(await Promise.race([lost, Promise.resolve('not lost')])).toBe('not lost');
});
