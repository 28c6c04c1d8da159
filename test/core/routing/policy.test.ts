import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseWith } from '../../../src/contract/parse.ts';
import { Policy } from '../../../src/contract/policy.ts';
import { applyPolicy, type RoutingPolicy } from '../../../src/core/routing/policy.ts';

const CLASSES = ['cola', 'sst2', 'mrpc', 'stsb', 'qnli'];
const PLAIN: RoutingPolicy = { temperature: 1, top_k: 5, threshold: 0, abstain: 0 };
const logs = (...scores: number[]): number[] => scores.map(Math.log);

const anyLogits = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 5, maxLength: 5 });
const anyPolicy = fc.record({
  temperature: fc.double({ min: 0.05, max: 20, noNaN: true }),
  top_k: fc.integer({ min: 1, max: 8 }),
  threshold: fc.double({ min: 0, max: 1, noNaN: true }),
  abstain: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe('any policy on any logits', () => {
  test('gives scores that sum to 1 and a mix that is sorted, within top-k, and sums to 1 or is empty', () => {
    fc.assert(
      fc.property(anyLogits, anyPolicy, (logits, policy) => {
        expect(() => parseWith(Policy, policy, 'policy', 'config')).not.toThrow();
        const { scores, mix, abstained } = applyPolicy(logits, CLASSES, policy);
        const highest = Math.max(...scores.map(({ score }) => score));
        expect(scores.map(({ expert }) => expert)).toEqual(CLASSES);
        expect(scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 9);
        expect(abstained).toBe(highest < policy.abstain);
        expect(mix.length === 0).toBe(abstained);
        expect(mix.length).toBeLessThanOrEqual(policy.top_k);
        expect(new Set(mix.map(({ expert }) => expert)).size).toBe(mix.length);
        const weights = mix.map(({ weight }) => weight);
        expect(weights).toEqual(weights.toSorted((a, b) => b - a));
        expect(weights.every((weight) => weight > 0)).toBe(true);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(abstained ? 0 : 1, 9);
        const heaviest = abstained ? highest : scores.find(({ expert }) => expert === mix[0].expert)?.score;
        expect(heaviest).toBe(highest);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

describe('each step', () => {
  const logits = logs(0.1, 0.5, 0.25, 0.1, 0.05);

  test('top-k keeps the best and shares their weight', () => {
    const { mix } = applyPolicy(logits, CLASSES, { ...PLAIN, top_k: 2 });
    expect(mix.map(({ expert }) => expert)).toEqual(['sst2', 'mrpc']);
    expect(mix[0].weight).toBeCloseTo(2 / 3, 9);
  });

  test('a caller may ask for another top-k', () => {
    expect(applyPolicy(logits, CLASSES, { ...PLAIN, top_k: 2 }, 3).mix).toHaveLength(3);
  });

  test('threshold drops by the share after top-k, and never the best', () => {
    expect(applyPolicy(logits, CLASSES, { ...PLAIN, top_k: 2, threshold: 0.3 }).mix).toHaveLength(2);
    expect(applyPolicy(logits, CLASSES, { ...PLAIN, top_k: 2, threshold: 0.4 }).mix).toHaveLength(1);
    expect(applyPolicy(logits, CLASSES, { ...PLAIN, threshold: 1 }).mix).toEqual([{ expert: 'sst2', weight: 1 }]);
  });

  test('oracle 16: abstain empties the mix and keeps the scores', () => {
    const routing = applyPolicy(logits, CLASSES, { ...PLAIN, abstain: 0.51 });
    expect(routing).toMatchObject({ mix: [], abstained: true });
    expect(routing.scores[1].score).toBeCloseTo(0.5, 9);
    expect(applyPolicy(logits, CLASSES, { ...PLAIN, abstain: 0.49 }).abstained).toBe(false);
  });

  test('temperature flattens', () => {
    const sharp = applyPolicy(logits, CLASSES, { ...PLAIN, temperature: 0.5 }).scores[1].score;
    const flat = applyPolicy(logits, CLASSES, { ...PLAIN, temperature: 2 }).scores[1].score;
    expect(sharp).toBeGreaterThan(0.5);
    expect(flat).toBeLessThan(0.5);
  });

  test('ties go to the earlier class', () => {
    expect(applyPolicy([1, 1, 1, 1, 1], CLASSES, { ...PLAIN, top_k: 1 }).mix).toEqual([{ expert: 'cola', weight: 1 }]);
  });

  test('scores that underflow are not mixed', () => {
    expect(applyPolicy([0, -1e6, -1e6, -1e6, -1e6], CLASSES, PLAIN).mix).toEqual([{ expert: 'cola', weight: 1 }]);
  });

  test.each([Number.NaN, Infinity, -Infinity])('%s is refused with its class', (bad) => {
    expect(() => applyPolicy([0, bad, 0, 0, 0], CLASSES, PLAIN)).toThrow(/sst2/);
  });
});
