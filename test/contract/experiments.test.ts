import { GrowthBook } from '@growthbook/growthbook';
import { describe, expect, test } from 'vitest';
import { Experiment, Experiments } from '../../src/contract/experiments.ts';
import { fromGrowthBook, toGrowthBook } from '../../src/contract/growthbook.ts';
import { parseWith } from '../../src/contract/parse.ts';
import { assign } from '../../src/core/experiment/assign.ts';

const A = '0123456789abcdef';
const B = 'fedcba9876543210';
const PLAIN = {
  key: 'ranks',
  arms: [
    { name: 'rank-16', config: A, weight: 0.5 },
    { name: 'rank-4', config: B, weight: 0.5 },
  ],
};
const parse = (value: unknown): Experiment => parseWith(Experiment, value, 'experiment', 'config');

test('an experiment needs a key and arms; the rest has defaults', () => {
  expect(parse(PLAIN)).toEqual({
    ...PLAIN,
    hash_version: 2,
    unit: 'user',
    coverage: 1,
    allow_forced: false,
    guardrails: [],
    status: 'running',
  });
});

test.each([
  ['weights that do not sum to 1', { arms: PLAIN.arms.map((arm) => ({ ...arm, weight: 0.4 })) }, /arms: expected weights that sum to 1/],
  ['two arms of one name', { arms: PLAIN.arms.map((arm) => ({ ...arm, name: 'same' })) }, /arms: expected arms of distinct names/],
  ['one arm', { arms: [{ ...PLAIN.arms[0], weight: 1 }] }, /arms:/],
  ['a backward namespace', { namespace: { name: 'n', range: [0.5, 0.2] } }, /namespace: expected a range/],
  [
    'a ramp of falling steps',
    { ramp: { start: '2026-11-24T00:00:00Z', steps: [5, 5].map((after_seconds) => ({ after_seconds, coverage: 1 })) } },
    /steps/,
  ],
  ['a ramp without a time zone', { ramp: { start: '2026-11-24T00:00:00', steps: [{ after_seconds: 0, coverage: 1 }] } }, /ramp.start/],
  ['a guardrail on an unknown metric', { guardrails: [{ metric: 'happiness' }] }, /guardrails\[0\].metric: expected error/],
  ['a margin in milliseconds', { guardrails: [{ metric: 'latency_ms', margin: 5 }] }, /margin: expected relative/],
  ['an unknown field', { wieght: 1 }, /wieght/],
] as const)('refuses %s', (_, change, message) => {
  expect(() => parse({ ...PLAIN, ...change })).toThrow(message);
});

test('refuses two experiments of one key', () => {
  expect(() => parseWith(Experiments, { experiments: [PLAIN, PLAIN] }, 'experiments', 'config')).toThrow('distinct keys');
});

describe('GrowthBook', () => {
  const FULL = {
    ...PLAIN,
    seed: 'ранк',
    unit: 'key',
    hash_version: 1,
    coverage: 0.4,
    namespace: { name: 'front', range: [0.25, 0.75] },
    status: 'stopped',
  };

  test('a definition goes out and comes back as it was', () => {
    for (const experiment of [parse(PLAIN), parse(FULL)]) {
      const out = toGrowthBook(experiment);
      expect(out.notices).toEqual([]);
      expect(fromGrowthBook(out.value)).toEqual({ value: experiment, notices: [] });
    }
  });

  test('what GrowthBook lacks is named on the way out', () => {
    const experiment = parse({
      ...PLAIN,
      holdout: { name: 'year', share: 0.1 },
      shadow: { config: A, share: 0.5 },
      guardrails: [{ metric: 'error' }],
      status: 'frozen',
    });
    const { notices } = toGrowthBook(experiment);
    expect(notices.map((notice) => notice.split(':')[0])).toEqual(['holdout', 'shadow', 'guardrails', 'status']);
  });

  test('what twinroute lacks is named on the way in, targeting with its consequence', () => {
    const { value, notices } = fromGrowthBook({
      key: 'ranks',
      variations: [A, { config: B, comment: 'smaller' }],
      meta: [{ name: 'Rank sixteen' }, { name: 'Rank four' }],
      weights: [0.2, 0.2],
      hashAttribute: 'deviceId',
      condition: { country: 'NO' },
      minBucketVersion: 2,
    });
    expect(value.arms).toEqual([
      { name: 'arm-0', config: A, weight: 0.5 },
      { name: 'arm-1', config: B, weight: 0.5 },
    ]);
    expect(value.hash_version).toBe(1);
    expect(notices).toEqual([
      'condition: dropped; twinroute does not target, so units that it left out may be enrolled',
      'minBucketVersion: dropped; twinroute has no use for it',
      "hashAttribute: deviceId is read from the request's field user",
      'weights: equal ones stand in for weights that do not sum to 1, as in the SDK',
      'meta: arms are numbered, because the names of the variations are not distinct plain names',
    ]);
  });

  test('ranges are read as weights and coverage, and refused where they are none', () => {
    const definition = { key: 'ranks', variations: [A, B], hashVersion: 2 };
    const { value } = fromGrowthBook({
      ...definition,
      ranges: [
        [0, 0.15],
        [0.3, 0.65],
      ],
    });
    expect(value.arms.map(({ weight }) => weight)).toEqual([0.3, 0.7]);
    expect(value.coverage).toBeCloseTo(0.5, 12);
    expect(() =>
      fromGrowthBook({
        ...definition,
        ranges: [
          [0, 0.1],
          [0.1, 1],
        ],
      }),
    ).not.toThrow();
    for (const ranges of [
      [],
      [[0, 1]],
      [
        [0.1, 0.2],
        [0.3, 0.4],
      ],
    ])
      expect(() => fromGrowthBook({ ...definition, ranges })).toThrow('ranges: expected those of weights');
  });

  test.each([{ variations: [A] }, { variations: [A, 'blue'] }, { hashVersion: 3 }, { coverage: 'all' }])('refuses %j', (change) => {
    expect(() => fromGrowthBook({ key: 'ranks', variations: [A, B], ...change })).toThrow('GrowthBook experiment:');
  });

  test('an imported definition and an exported one assign as the SDK does', () => {
    const definition = {
      key: 'ranks',
      variations: [A, B, A] as [string, string, string],
      weights: [0.2, 0.5, 0.3],
      coverage: 0.7,
      hashVersion: 2,
    };
    const { value } = fromGrowthBook(definition);
    const exported = toGrowthBook(value).value;
    for (let i = 0; i < 2000; i++) {
      const unit = `benutzer-${i}-ü`;
      const ours = assign({ ...value, weights: value.arms.map(({ weight }) => weight) }, unit);
      for (const source of [definition, { ...definition, ...exported }]) {
        const { inExperiment, variationId } = new GrowthBook({ attributes: { id: unit } }).run(source);
        expect(ours).toBe(inExperiment ? variationId : 'out');
      }
    }
  });
});
