import { expect, test } from 'vitest';
import { createHotMixes, type HotMixes } from '../../../src/core/batching/hot-mixes.ts';

const create = (places: number): HotMixes => createHotMixes({ places, halfLifeTokens: 1000, payingTokens: () => 100 });

function change(hot: HotMixes): ReturnType<HotMixes['next']> {
  const promotion = hot.next();
  if (promotion !== undefined) hot.settle(promotion);
  return promotion;
}

test('a mix is promoted once it has paid, and not before', () => {
  const hot = create(1);
  hot.note('a', 99);
  expect(hot.next()).toBeUndefined();
  hot.note('a', 2);
  expect(change(hot)).toEqual({ promote: 'a', demote: undefined });
  expect(hot.promoted('a')).toBe(true);
  expect(hot.next()).toBeUndefined();
});

test('the hottest comes first; a place changes hands only for one that is clearly hotter', () => {
  const hot = create(2);
  hot.note('a', 200);
  hot.note('b', 300);
  hot.note('c', 120);
  expect(change(hot)).toEqual({ promote: 'b', demote: undefined });
  expect(change(hot)).toEqual({ promote: 'a', demote: undefined });
  expect(hot.next()).toBeUndefined();
  hot.note('c', 30);
  expect(hot.next()).toBeUndefined();
  hot.note('c', 200);
  expect(change(hot)).toEqual({ promote: 'c', demote: 'a' });
  expect([hot.promoted('a'), hot.promoted('b'), hot.promoted('c')]).toEqual([false, true, true]);
});

test('what was hot long ago gives way', () => {
  const hot = create(1);
  hot.note('old', 5000);
  change(hot);
  for (let i = 0; i < 200; i++) hot.note('new', 100);
  expect(change(hot)).toEqual({ promote: 'new', demote: 'old' });
});

test('without places nobody is promoted; many thousand mixes are forgotten, not the hot ones', () => {
  const none = create(0);
  none.note('a', 1e6);
  expect(none.next()).toBeUndefined();
  const hot = create(1);
  hot.note('hot', 1000);
  for (let i = 0; i < 5000; i++) hot.note(`cold ${i}`, 0.01);
  expect(hot.next()).toEqual({ promote: 'hot', demote: undefined });
});
