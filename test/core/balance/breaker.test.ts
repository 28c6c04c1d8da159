import { expect, test } from 'vitest';
import { createBreaker } from '../../../src/core/balance/breaker.ts';

const may = () => true;

test('the pause doubles with every failed trial, up to 30 s, and a success forgets it', () => {
  const breaker = createBreaker();
  let nowMs = 5;
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    breaker.sent(nowMs);
    breaker.failed(nowMs, true, may);
    const waitMs = breaker.waitMs(nowMs);
    waits.push(waitMs);
    expect(breaker.waitMs(nowMs + waitMs - 1)).toBe(1);
    nowMs += waitMs;
    expect(breaker.waitMs(nowMs)).toBe(0);
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  breaker.succeeded();
  breaker.failed(nowMs, true, may);
  expect(breaker.waitMs(nowMs)).toBe(1000);
});

test('many failures at once count as one', () => {
  const breaker = createBreaker();
  for (let i = 0; i < 50; i++) breaker.failed(0, true, may);
  expect(breaker.waitMs(0)).toBe(1000);
});

test('a trial holds others back, and a lost one is followed by the next', () => {
  const breaker = createBreaker();
  breaker.failed(0, true, may);
  breaker.sent(1000);
  expect(breaker.waitMs(1500)).toBe(500);
  expect(breaker.waitMs(2000)).toBe(0);
});

test('a trial that fails doubtfully is a failure all the same', () => {
  const breaker = createBreaker();
  breaker.failed(0, true, may);
  breaker.sent(1000);
  breaker.failed(1000, false, may);
  expect(breaker.waitMs(1000)).toBe(2000);
});

test('a last resort during the pause is no trial: its failure lengthens nothing', () => {
  const breaker = createBreaker();
  breaker.failed(0, true, may);
  breaker.sent(500);
  breaker.failed(500, true, may);
  expect(breaker.waitMs(500)).toBe(500);
});

test('a doubtful failure takes five in a row, and a reason to believe that others can do without', () => {
  const breaker = createBreaker();
  for (let i = 0; i < 4; i++) breaker.failed(0, false, may);
  expect(breaker.open).toBe(false);
  breaker.succeeded();
  for (let i = 0; i < 4; i++) breaker.failed(0, false, may);
  expect(breaker.open).toBe(false);
  breaker.failed(0, false, () => false);
  expect(breaker.open).toBe(false);
  breaker.failed(0, false, may);
  expect(breaker.waitMs(0)).toBe(1000);
});

test('a bad check opens and keeps open, a good one makes it due a trial at once', () => {
  const breaker = createBreaker();
  breaker.checked(true, 0);
  expect(breaker.open).toBe(false);
  breaker.checked(false, 0);
  expect(breaker.waitMs(0)).toBe(1000);
  breaker.checked(false, 800);
  expect(breaker.waitMs(800)).toBe(1000);
  breaker.checked(true, 900);
  expect(breaker.waitMs(900)).toBe(0);
  expect(breaker.open).toBe(true);
  breaker.sent(900);
  expect(breaker.waitMs(900)).toBe(1000);
  breaker.succeeded();
  expect(breaker.open).toBe(false);
});
