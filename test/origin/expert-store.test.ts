import { expect, test } from 'vitest';
import type { ExpertFactors } from '../../src/model/expert-factors.ts';
import { createExpertStore } from '../../src/origin/expert-store.ts';

const expert = (bytes: number): ExpertFactors => ({ factors: new Map(), deltas: new Map(), bytes });

/** A store whose loads wait to be let through. */
function slowStore(limitBytes: number) {
  const loads: string[] = [];
  const waiting: { resolve: (loaded: ExpertFactors) => void; reject: (error: Error) => void }[] = [];
  const store = createExpertStore((name) => {
    loads.push(name);
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  }, limitBytes);
  return { store, loads, waiting };
}

test('all who ask while an expert is loaded share one load', async () => {
  const { store, loads, waiting } = slowStore(100);
  const all = [store.get('a'), store.get('a'), store.get('a')];
  expect(loads).toEqual(['a']);
  waiting[0].resolve(expert(10));
  expect(new Set(await Promise.all(all)).size).toBe(1);
  await store.get('a');
  expect(loads).toEqual(['a']);
});

test('a load that failed is tried again', async () => {
  const { store, loads, waiting } = slowStore(100);
  const first = store.get('a');
  waiting[0].reject(new Error('damaged'));
  await expect(first).rejects.toThrow('damaged');
  const second = store.get('a');
  waiting[1].resolve(expert(10));
  await second;
  expect(loads).toEqual(['a', 'a']);
});

test('the expert that was not asked for longest goes first', async () => {
  const loads: string[] = [];
  const store = createExpertStore((name) => (loads.push(name), Promise.resolve(expert(40))), 100);
  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await store.get(name);
  expect(loads).toEqual(['a', 'b', 'c', 'b']);
});

test('an expert larger than the whole store is loaded for each who asks', async () => {
  const loads: string[] = [];
  const store = createExpertStore((name) => (loads.push(name), Promise.resolve(expert(200))), 100);
  await store.get('a');
  await store.get('a');
  expect(loads).toEqual(['a', 'a']);
});
