import { GrowthBook } from '@growthbook/growthbook';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assign, type AssignmentRule } from '../../../src/core/experiment/assign.ts';
import { bucketOf, bucketRanges, fnv1a32 } from '../../../src/core/experiment/bucket.ts';
import { coverageAt } from '../../../src/core/experiment/ramp.ts';
import { namespaceOf, randomCases } from './random-case.ts';

const RULE: AssignmentRule = { key: 'exp', hash_version: 2, weights: [0.5, 0.5], coverage: 1 };
const users = Array.from({ length: 20_000 }, (_, i) => `user-${i}`);

describe('against GrowthBook', () => {
  test.each([
    ['seed', 'a', 2, 0.0505],
    ['', 'a', 1, 0.22],
    ['89123klj', '8952klfjas09ujkasdf', 2, 0.124],
  ] as const)('hash(%j, %j, %i) = %f, a published vector', (seed, unit, version, bucket) => {
    expect(bucketOf(seed, unit, version)).toBe(bucket);
  });

  test('100,000 random experiments and units get the SDK’s arm', () => {
    const next = randomCases(11);
    const seen = { in: 0, out: 0 };
    const originalError = console.error;
    console.error = () => undefined; // the SDK complains of the weights that we break on purpose
    try {
      for (let i = 0; i < 100_000; i++) {
        const { unit, definition } = next();
        const { inExperiment, variationId } = new GrowthBook({ attributes: { id: unit } }).run(definition);
        const { key, seed, weights, coverage, hashVersion } = definition;
        const ours = assign({ key, seed, weights, coverage, hash_version: hashVersion, namespace: namespaceOf(definition) }, unit);
        const theirs = inExperiment ? variationId : 'out';
        if (ours !== theirs) expect({ unit, definition, ours }).toEqual({ unit, definition, ours: theirs });
        seen[inExperiment ? 'in' : 'out']++;
      }
    } finally {
      console.error = originalError;
    }
    // Neither answer is rare, or the comparison would say little.
    expect(Math.min(seen.in, seen.out)).toBeGreaterThan(20_000);
  });
});

test('the hash reads UTF-16 code units, so that text beyond ASCII differs from a hash over bytes', () => {
  expect(fnv1a32('')).toBe(0x811c9dc5);
  expect(fnv1a32('foobar')).toBe(0xbf9cf968); // published FNV-1a vector; one byte a unit
  expect(fnv1a32('é')).toBe(Math.imul(0x811c9dc5 ^ 0xe9, 0x01000193) >>> 0);
});

test('more coverage keeps every enrolled unit in its arm', () => {
  const weights = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 2, maxLength: 6 });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(weights, share, share, fc.string(), (parts, a, b, unit) => {
      const sum = parts.reduce((total, part) => total + part, 0);
      const rule = { ...RULE, weights: parts.map((part) => part / sum) };
      const before = assign({ ...rule, coverage: Math.min(a, b) }, unit);
      const after = assign({ ...rule, coverage: Math.max(a, b) }, unit);
      expect([before, 'out']).toContain(before === 'out' ? 'out' : after);
    }),
    { seed: 5, numRuns: 2000 },
  );
});

test('ranges cover weights and coverage, whatever they are given', () => {
  expect(bucketRanges(2, 0.5, [0.4, 0.6])).toEqual([
    [0, 0.2],
    [0.4, 0.7],
  ]);
  expect(bucketRanges(2, 7, [0.9, 0.9])).toEqual([
    [0, 0.5],
    [0.5, 1],
  ]);
});

test('arms get their share, and a holdout takes an equal share of each', () => {
  const rule: AssignmentRule = { ...RULE, weights: [0.7, 0.3], coverage: 0.8, holdout: { name: 'year', share: 0.1 } };
  const assigned = users.map((user) => assign(rule, user));
  const share = (which: unknown): number => assigned.filter((arm) => arm === which).length / users.length;
  expect(share('held')).toBeCloseTo(0.1, 1);
  expect(share(0)).toBeCloseTo(0.9 * 0.8 * 0.7, 1);
  expect(share(1)).toBeCloseTo(0.9 * 0.8 * 0.3, 1);
  const held = users.filter((_, i) => assigned[i] === 'held');
  // The same units in another experiment with the holdout; a share of their own without one.
  expect(held.every((user) => assign({ ...rule, key: 'other' }, user) === 'held')).toBe(true);
  expect(held.filter((user) => assign({ ...RULE, weights: [0.7, 0.3] }, user) === 1).length / held.length).toBeCloseTo(0.3, 1);
});

test('parts of a namespace that do not overlap share no unit', () => {
  const first = { ...RULE, key: 'a', namespace: { name: 'front', range: [0, 0.4] as const } };
  const second = { ...RULE, key: 'b', namespace: { name: 'front', range: [0.4, 1] as const } };
  for (const user of users) expect([assign(first, user), assign(second, user)].filter((arm) => arm !== 'out')).toHaveLength(1);
});

test('nobody is not enrolled', () => {
  expect(assign(RULE, '')).toBe('out');
});

test('a ramp opens by steps, and never beyond the coverage', () => {
  const start = Date.parse('2026-11-24T00:00:00Z');
  const ramp = { start: '2026-11-24T01:00:00+01:00', steps: [0.01, 0.1, 1].map((coverage, i) => ({ after_seconds: 60 * i, coverage })) };
  const at = (seconds: number): number => coverageAt(0.5, ramp, start + 1000 * seconds);
  expect([-1, 0, 59, 60, 119, 120, 9999].map(at)).toEqual([0, 0.01, 0.01, 0.1, 0.1, 0.5, 0.5]);
  expect(coverageAt(0.5, undefined, start)).toBe(0.5);
});
