import { expect, test } from 'vitest';
import { readText } from '../../src/edge/read-text.ts';

const MOOD = { name: 'mood', problem: 'classification' as const, labels: ['negative', 'positive', 'not sure'] };
const VALUE = { name: 'value', problem: 'regression' as const, labels: ['similarity'] };

test.each([
  ['positive', 'positive'],
  [' Positive.\nBecause it says so.', 'positive'],
  ['"not sure"', 'not sure'],
  ['**NEGATIVE**', 'negative'],
  ['it is positive', null],
  ['positive or negative', null],
  ['', null],
  ['constructor', null],
])('%j names %j', (text, label) => {
  expect(readText(MOOD, text)).toEqual({ label, scores: {} });
});

test.each([
  ['3.5', { similarity: 3.5 }],
  [' -1e-2\n', { similarity: -0.01 }],
  ['about 3', {}],
  ['', {}],
  ['Infinity', {}],
])('%j is the value %j', (text, scores) => {
  expect(readText(VALUE, text)).toEqual({ label: null, scores });
});

test('two labels that differ in case only are not told apart', () => {
  expect(readText({ ...MOOD, labels: ['A', 'a'] }, 'a')).toEqual({ label: null, scores: {} });
});
