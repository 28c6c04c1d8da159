// Norms, cosines and sign conflicts against the plain definitions over dense vectors.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gramOfPairs, gramOfSamples } from '../../../src/core/diagnose/gram.ts';
import { countConflicts } from '../../../src/core/diagnose/sign-conflicts.ts';
import { createTaskVectorFacts } from '../../../src/core/diagnose/task-vectors.ts';
import { dot, multiply, widen } from '../../../src/core/linalg/kernels.ts';
import type { FactorPair } from '../../../src/core/linalg/low-rank-svd.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';

function randomPair(random: Random, m: number, n: number, rank: number): FactorPair {
  const fill = (size: number): Float32Array => Float32Array.from({ length: size }, () => random.normal());
  return { b: { rows: m, cols: rank, data: fill(m * rank) }, a: { rows: rank, cols: n, data: fill(rank * n) } };
}

function denseOf(pair: FactorPair | undefined, size: number): Float64Array {
  return pair === undefined ? new Float64Array(size) : multiply(widen(pair.b), widen(pair.a)).data;
}

describe('gramOfPairs', () => {
  test('is the inner products of the products, whatever ranks and whoever is missing', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 7 }),
        fc.array(fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }), { minLength: 1, maxLength: 4 }),
        (seed, m, n, ranks) => {
          const random = createRandom(seed);
          const pairs = ranks.map((rank) => (rank === undefined ? undefined : randomPair(random, m, n, rank)));
          const dense = pairs.map((pair) => denseOf(pair, m * n));
          const gram = gramOfPairs(pairs);
          dense.forEach((x, t) => dense.forEach((y, u) => expect(gram[t * pairs.length + u]).toBeCloseTo(dot(x, y), 8)));
        },
      ),
      { seed: 5, numRuns: 60 },
    );
  });
});

describe('gramOfSamples', () => {
  test('is exact when the sample is everything, and keeps given norms when it is not', () => {
    const vectors = [Float64Array.of(1, 2, -2), Float64Array.of(0, 3, 4), Float64Array.of(0, 0, 0)];
    expect([...gramOfSamples(Float64Array.of(9, 25, 0), vectors)]).toEqual(
      [9, -2, 0, -2, 25, 0, 0, 0, 0].map((value) => expect.closeTo(value, 12)),
    );
    // Vectors twice as long as their samples: same cosine, twice the norms.
    expect(gramOfSamples(Float64Array.of(36, 100, 0), vectors)[1]).toBeCloseTo(-8, 12);
  });
});

describe('countConflicts', () => {
  test('counts entries that both change and those with opposite signs; zeros agree with everything', () => {
    const { both, opposed, shared, conflicting } = countConflicts([
      Float64Array.of(1, -1, 0, 2, 0),
      Float64Array.of(1, 1, 3, -2, 0),
      Float64Array.of(0, 1, 1, -1, 4),
    ]);
    expect([both[1], opposed[1]]).toEqual([3, 2]);
    expect([both[2], opposed[2]]).toEqual([2, 2]);
    expect([both[5], opposed[5]]).toEqual([3, 0]);
    expect(both[3]).toBe(both[1]);
    expect({ shared, conflicting }).toEqual({ shared: 4, conflicting: 2 });
  });
});

describe('createTaskVectorFacts', () => {
  test('adds parameters up, each by its own size', () => {
    const collected = createTaskVectorFacts(2);
    const add = (name: string, size: number, vectors: Float64Array[]): void =>
      collected.add({
        name,
        size,
        baseEnergy: 100,
        gram: gramOfSamples(
          Float64Array.from(vectors, (vector) => dot(vector, vector)),
          vectors,
        ),
        samples: vectors,
      });
    add('first', 2, [Float64Array.of(3, 0), Float64Array.of(0, 4)]);
    add('second', 30, [Float64Array.of(0, 4), Float64Array.of(0, -3)]); // two of its thirty entries
    const { experts, cosines, signConflicts, conflictRate, normRatio } = collected.facts();
    expect(experts.map(({ norm }) => norm)).toEqual([5, 5]);
    expect(experts[0].relative).toBeCloseTo(5 / Math.sqrt(200), 12);
    expect(experts[0].tensors).toEqual({ first: 0.3, second: 0.4 });
    expect(cosines[0][1]).toBeCloseTo(-12 / 25, 12);
    expect(signConflicts[0][1]).toBe(1);
    expect({ conflictRate, normRatio }).toEqual({ conflictRate: 1, normRatio: 1 });
  });

  test('unchanged experts have norm 0, cosines 0, and no part in the ratio', () => {
    const collected = createTaskVectorFacts(3);
    const samples = [Float64Array.of(1, 0), Float64Array.of(0, 0), Float64Array.of(0, 4)];
    collected.add({ name: 'p', size: 2, baseEnergy: 0, gram: gramOfSamples(Float64Array.of(1, 0, 16), samples), samples });
    expect(collected.facts()).toEqual({
      experts: [
        { norm: 1, relative: 1, tensors: { p: undefined } },
        { norm: 0, relative: 0, tensors: {} },
        { norm: 4, relative: 4, tensors: { p: undefined } },
      ],
      cosines: [
        [1, 0, 0],
        [0, 0, 0],
        [0, 0, 1],
      ],
      signConflicts: [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ],
      conflictRate: 0,
      normRatio: 4,
    });
  });
});
