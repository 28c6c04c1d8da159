import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mixVector, parseMix } from '../../src/core/mix.ts';

const experts = ['cola', 'sst2', 'mrpc'];

describe('parseMix', () => {
  test('drops zeros, sorts by weight, breaks ties by the experts’ order', () => {
    expect(parseMix({ mrpc: 0.25, sst2: 0, cola: 0.25 }, experts)).toEqual([
      { expert: 'cola', weight: 0.25 },
      { expert: 'mrpc', weight: 0.25 },
    ]);
    expect(parseMix({ cola: 0.2, mrpc: 0.5 }, experts).map(({ expert }) => expert)).toEqual(['mrpc', 'cola']);
  });

  test('takes the list form, and empty is a full abstention', () => {
    expect(parseMix([{ expert: 'sst2', weight: 1 }], experts)).toEqual([{ expert: 'sst2', weight: 1 }]);
    expect(parseMix({}, experts)).toEqual([]);
    expect(parseMix([], experts)).toEqual([]);
  });

  test('a sum may exceed 1 by the rounding of decimals only', () => {
    expect(parseMix({ cola: 0.5, sst2: 0.5000005 }, experts)).toHaveLength(2);
    expect(() => parseMix({ cola: 0.5, sst2: 0.50001 }, experts)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: 'mix' }),
    );
  });

  test.each([
    ['an unknown expert', { qqp: 0.5 }, 'mix.qqp'],
    ['a property of every object', { constructor: 0.5 }, 'mix.constructor'],
    ['a negative weight', { cola: -0.1 }, 'mix.cola'],
    ['NaN', { cola: NaN }, 'mix.cola'],
    ['infinity', { cola: Infinity }, 'mix.cola'],
  ])('%s is refused, naming it', (_, input, param) => {
    expect(() => parseMix(input, experts)).toThrow(expect.objectContaining({ code: 'invalid_request', param }));
  });

  test('an expert named twice is refused', () => {
    const twice = [
      { expert: 'cola', weight: 0.1 },
      { expert: 'cola', weight: 0.1 },
    ];
    expect(() => parseMix(twice, experts)).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'mix.cola' }));
  });

  test('both forms agree, and parsing a mix again changes nothing', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...experts), fc.double({ min: 0, max: 0.33, noNaN: true })), (weights) => {
        const mix = parseMix(weights, experts);
        expect(parseMix(mix, experts)).toEqual(mix);
        for (let i = 1; i < mix.length; i++) expect(mix[i].weight).toBeLessThanOrEqual(mix[i - 1].weight);
      }),
      { seed: 5 },
    );
  });
});

describe('mixVector', () => {
  test('oracle 12: follows the order of names given and leaves out what it lacks', () => {
    const mix = parseMix({ cola: 0.25, mrpc: 0.5 }, experts);
    expect([...mixVector(mix, ['mrpc', 'sst2', 'cola'])]).toEqual([0.5, 0, 0.25]);
    expect([...mixVector(mix, ['sst2'])]).toEqual([0]);
  });
});
