import { expect, test } from 'vitest';
import { createHealth } from '../../src/edge/health.ts';

test('an unknown endpoint is up', () => {
  expect(createHealth().admits('a', 0)).toBe(true);
});

test('the backoff doubles with every failed trial, up to 30 s, and a success forgets it', () => {
  const health = createHealth();
  let nowMs = 5;
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    health.sent('a', nowMs);
    health.failed('a', nowMs, true);
    const waitMs = health.waitMs(['a'], nowMs);
    waits.push(waitMs);
    expect(health.admits('a', nowMs + waitMs - 1)).toBe(false);
    nowMs += waitMs;
    expect(health.admits('a', nowMs)).toBe(true);
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  health.succeeded('a');
  health.failed('a', nowMs, true);
  expect(health.waitMs(['a'], nowMs)).toBe(1000);
});

test('many failures at once count as one', () => {
  const health = createHealth();
  for (let i = 0; i < 50; i++) health.failed('a', 0, true);
  expect(health.waitMs(['a'], 0)).toBe(1000);
});

test('a trial holds others back, and a lost one is followed by the next', () => {
  const health = createHealth();
  health.failed('a', 0, true);
  health.sent('a', 1000);
  expect(health.admits('a', 1500)).toBe(false);
  expect(health.admits('a', 2000)).toBe(true);
});

test('a trial that fails doubtfully is a failure all the same', () => {
  const health = createHealth();
  health.failed('a', 0, true);
  health.sent('a', 1000);
  health.failed('a', 1000, false);
  expect(health.waitMs(['a'], 1000)).toBe(2000);
});

test('a doubtful failure takes three in a row', () => {
  const health = createHealth();
  health.failed('a', 0, false);
  health.failed('a', 0, false);
  expect(health.admits('a', 0)).toBe(true);
  health.succeeded('a');
  health.failed('a', 0, false);
  health.failed('a', 0, false);
  expect(health.admits('a', 0)).toBe(true);
  health.failed('a', 0, false);
  expect(health.admits('a', 0)).toBe(false);
});

test('endpoints are independent, and the shortest wait counts', () => {
  const health = createHealth();
  health.failed('a', 0, true);
  health.failed('b', 400, true);
  expect(health.admits('c', 400)).toBe(true);
  expect(health.waitMs(['a', 'b'], 400)).toBe(600);
  expect(health.waitMs(['a', 'b', 'c'], 400)).toBe(0);
  expect(health.waitMs([], 400)).toBe(0);
});
