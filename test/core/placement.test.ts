import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Mix } from '../../src/core/mix.ts';
import { holds, place, type PlacementEndpoint } from '../../src/core/placement.ts';

const CONFIG = '0123456789abcdef';
const all = () => true;
const first = <T>([place]: readonly T[]): T => place;
const mixOf = (weights: Record<string, number>): Mix => Object.entries(weights).map(([expert, weight]) => ({ expert, weight }));
const wholeMix = mixOf({ a: 0.4, b: 0.35, c: 0.25 });
const request = { config: CONFIG, mix: wholeMix, heads: ['a', 'b', 'c'] };

describe('place', () => {
  test('prefers an endpoint that holds the whole mix', () => {
    const placed = place(
      request,
      [
        { id: 'left', experts: ['a', 'b'] },
        { id: 'all', experts: '*' },
      ],
      all,
      first,
    );
    expect(placed).toEqual({ endpoint: { id: 'all', experts: '*' }, mix: wholeMix, head: 'a', covered: 1 });
  });

  test('cuts to the largest covered weight among endpoints that hold the head, and keeps the weights', () => {
    const endpoints = [
      { id: 'head', experts: ['a'] },
      { id: 'more', experts: ['b', 'c'] },
      { id: 'best', experts: ['a', 'c'] },
    ];
    expect(place(request, endpoints.slice(0, 2), all, first)?.endpoint.id).toBe('head');
    const placed = place(request, endpoints, all, first);
    expect(placed?.endpoint.id).toBe('best');
    expect(placed?.mix).toEqual(mixOf({ a: 0.4, c: 0.25 }));
    expect(placed?.covered).toBeCloseTo(0.65, 12);
  });

  test('answers with the best covered expert’s head when nobody holds the wanted one', () => {
    const endpoints = [
      { id: 'b', experts: ['b'] },
      { id: 'bc', experts: ['c', 'b'] },
    ];
    expect(place(request, endpoints, all, first)).toMatchObject({ endpoint: { id: 'bc' }, head: 'b' });
  });

  test('leaves out endpoints of other configs, unaccepted ones and those without any head', () => {
    const endpoints = [
      { id: 'other', experts: '*' as const, configs: ['f'.repeat(16)] },
      { id: 'down', experts: '*' as const },
      { id: 'd', experts: ['d'] },
    ];
    expect(place(request, endpoints, (endpoint) => endpoint.id !== 'down', first)).toBeUndefined();
    expect(place(request, [{ id: 'x', experts: '*', configs: [CONFIG] }], all, first)?.endpoint.id).toBe('x');
  });

  test('an empty mix needs a head only, the best guess first', () => {
    const endpoints = [
      { id: 'second', experts: ['b'] },
      { id: 'first', experts: ['a'] },
    ];
    expect(place({ config: CONFIG, mix: [], heads: ['a', 'b'] }, endpoints, all, first)).toMatchObject({
      endpoint: { id: 'first' },
      mix: [],
      covered: 1,
    });
    expect(place({ config: CONFIG, mix: [], heads: ['x', 'a', 'b'] }, endpoints, all, first)).toMatchObject({
      endpoint: { id: 'first' },
      head: 'a',
    });
  });

  test('the caller chooses among equals', () => {
    const endpoints = [
      { id: 'one', experts: '*' as const },
      { id: 'less', experts: ['a'] },
      { id: 'two', experts: ['c', 'b', 'a'] },
    ];
    const seen: string[][] = [];
    const placed = place(request, endpoints, all, (equals) => {
      seen.push(equals.map(({ endpoint }) => endpoint.id));
      return equals[1];
    });
    expect(seen).toEqual([['one', 'two']]);
    expect(placed?.endpoint.id).toBe('two');
  });
});

const NAMES = ['a', 'b', 'c', 'd', 'e'];
// Weighted towards the cases that decide: several endpoints that each hold a part.
const endpointArbitrary = fc.record({
  experts: fc.oneof({ weight: 1, arbitrary: fc.constant('*' as const) }, { weight: 9, arbitrary: fc.subarray(NAMES) }),
  up: fc.nat({ max: 4 }).map((n) => n > 0),
});
const caseArbitrary = fc.record({
  endpoints: fc.array(endpointArbitrary, { maxLength: 6 }).map((list) => list.map((endpoint, i) => ({ ...endpoint, id: `e${i}` }))),
  names: fc.shuffledSubarray(NAMES, { minLength: 2 }),
  weights: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 5, maxLength: 5 }),
  turn: fc.nat(),
});

test('property: the place is accepted, holds what it is asked for, and no accepted endpoint is better', () => {
  fc.assert(
    fc.property(caseArbitrary, ({ endpoints, names, weights, turn }) => {
      const mix = names.map((expert, i) => ({ expert, weight: weights[i] / 500 })).sort((x, y) => y.weight - x.weight);
      const heads = mix.map((entry) => entry.expert);
      const weight = (endpoint: PlacementEndpoint) =>
        mix.reduce((sum, entry) => sum + (holds(endpoint, entry.expert) ? entry.weight : 0), 0);
      const usable = endpoints.filter((endpoint) => endpoint.up && heads.some((head) => holds(endpoint, head)));
      const placed = place(
        { config: CONFIG, mix, heads },
        endpoints,
        (endpoint) => endpoint.up,
        (equals) => equals[turn % equals.length],
      );
      expect(placed === undefined).toBe(usable.length === 0);
      if (placed === undefined) return;
      const { endpoint, mix: served, head, covered } = placed;
      const isRival = (other: PlacementEndpoint) => holds(other, heads[0]) === holds(endpoint, heads[0]);
      expect(usable).toContain(endpoint);
      expect(served).toEqual(mix.filter((entry) => holds(endpoint, entry.expert)));
      expect(head).toBe(heads.find((name) => holds(endpoint, name)));
      expect(covered === 1).toBe(served.length === mix.length);
      expect(covered).toBeCloseTo(weight(endpoint) / mix.reduce((sum, entry) => sum + entry.weight, 0), 12);
      expect(head === heads[0]).toBe(usable.some((other) => holds(other, heads[0])));
      expect(usable.filter((other) => isRival(other) && weight(other) > weight(endpoint) + 1e-12)).toEqual([]);
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('an endpoint that mixes one expert gets the heaviest, and comes after one that mixes more', () => {
  const one = { id: 'one', experts: '*' as const };
  const many = { id: 'many', experts: '*' as const };
  const request = {
    config: 'c',
    mix: [
      { expert: 'a', weight: 0.6 },
      { expert: 'b', weight: 0.2 },
    ],
    heads: ['a', 'b'],
  };
  const placed = (endpoints: (typeof one)[]) =>
    place(
      request,
      endpoints,
      () => true,
      ([first]) => first,
      ({ id }) => (id === 'one' ? 1 : Infinity),
    );
  expect(placed([one, many])).toMatchObject({ endpoint: many, covered: 1 });
  expect(placed([one])).toMatchObject({ mix: [request.mix[0]], head: 'a' });
  expect(placed([one])?.covered).toBeCloseTo(0.75, 12);
});
