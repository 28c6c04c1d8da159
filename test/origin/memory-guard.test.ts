import { expect, test } from 'vitest';
import { createMemoryGuard } from '../../src/origin/memory/memory-guard.ts';
import { createFakeClock } from './fake-clock.ts';

const MB = 2 ** 20;

function guarded(resident: number) {
  const clock = createFakeClock();
  const state = { resident: resident * MB, relieved: 0, collected: 0 };
  const log: string[] = [];
  const guard = createMemoryGuard({
    ceilingBytes: 100 * MB,
    resident: () => state.resident,
    collect: () => void (state.collected += 1),
    relieve: () => {
      state.relieved += 1;
      return Promise.resolve();
    },
    clock,
    log: (line) => log.push(line),
  });
  return { clock, state, guard, log };
}

test('work is let in up to the ceiling, refused beyond it, and let in again when it has left', () => {
  const { guard, log } = guarded(50);
  const leave = guard.enter(30 * MB);
  expect(() => guard.enter(30 * MB)).toThrow(expect.objectContaining({ code: 'unavailable', retryAfterSeconds: 1 }));
  leave();
  guard.enter(30 * MB)();
  expect(guard.counts()).toMatchObject({ usedBytes: 50 * MB, ceilingBytes: 100 * MB, refused: 1, relieved: 0 });
  expect(() => guard.enter(60 * MB)).toThrow('expected at most 100 MB in use, got 110 with this request');
  expect(log).toHaveLength(1);
  guard.close();
});

test('near the ceiling caches are given back, once in a while', async () => {
  const { clock, state, guard } = guarded(95);
  await clock.advance(600);
  expect([state.collected, state.relieved]).toEqual([2, 1]);
  await clock.advance(1000);
  expect(state.relieved).toBe(1);
  await clock.advance(5000);
  expect(state.relieved).toBe(2);
  state.resident = 50 * MB;
  await clock.advance(20_000);
  expect(state.relieved).toBe(2);
  guard.close();
});

test('a pack that does not fit even without caches is refused', async () => {
  const { state, guard } = guarded(50);
  await guard.makeRoom('small', 40 * MB);
  expect(state.relieved).toBe(0);
  await expect(guard.makeRoom('large', 60 * MB)).rejects.toThrow(
    'large: expected about 60 MB of free memory to load it, got 50 below the ceiling of 100',
  );
  expect(state.relieved).toBe(1);
  guard.close();
});

test('above the ceiling with nothing under way small work goes on, one at a time', () => {
  const { guard } = guarded(130);
  const leave = guard.enter(MB);
  expect(() => guard.enter(MB)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  leave();
  expect(() => guard.enter(20 * MB)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  guard.enter(MB)();
  guard.close();
});
