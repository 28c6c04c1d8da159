// Random experiments and units as GrowthBook's SDK takes them.

import type { Experiment } from '@growthbook/growthbook';
import type { BucketRange } from '../../../src/core/experiment/bucket.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';

/** One case. */
export interface BucketingCase {
  readonly unit: string;
  readonly definition: Experiment<string> & { hashVersion: 1 | 2; coverage: number; weights: number[] };
}

/** A stream of cases; about one in twenty has weights or a coverage that the SDK has to mend. */
export function randomCases(seed: number): () => BucketingCase {
  const random = createRandom(seed, 'bucketing');
  return () => {
    const arms = 2 + random.below(6);
    const parts = Array.from({ length: arms }, () => (random.below(8) === 0 ? 0 : random.uniform()));
    const sum = parts.reduce((total, part) => total + part, 0) || 1;
    const scale = random.below(40) === 0 ? 0.5 + random.uniform() : 1;
    const [first, second, ...rest] = parts.map((_, i) => `v${i}`);
    const edges = [random.uniform(), random.uniform()].sort((a, b) => a - b);
    const namespace: [string, number, number] = [text(random), edges[0], edges[1]];
    return {
      unit: text(random),
      definition: {
        key: text(random),
        variations: [first, second, ...rest],
        weights: parts.map((part) => (part / sum) * scale),
        coverage: random.below(40) === 0 ? 3 * random.uniform() - 1 : [1, 0.1, random.uniform()][random.below(3)],
        hashVersion: random.below(3) === 0 ? 1 : 2,
        ...(random.below(2) === 0 && { seed: random.below(8) === 0 ? '' : text(random) }),
        ...(random.below(3) === 0 && { namespace }),
      },
    };
  };
}

/** The namespace in our words. */
export function namespaceOf({ namespace }: BucketingCase['definition']): { name: string; range: BucketRange } | undefined {
  return namespace && { name: namespace[0], range: [namespace[1], namespace[2]] };
}

const ALPHABETS = [
  'abcdefghijklmnopqrstuvwxyz0123456789-_',
  'äöüßéçñøłşžабвгд',
  '日本語学校中文字한국어',
  '🙂👩‍👩‍👧🏳️‍🌈\ud800\udc00\ud801',
  ' \t"\\/\u0000\u202e',
];

/** 1 to 24 UTF-16 units, mostly of one alphabet; lone surrogates too. */
function text(random: Random): string {
  const alphabet = ALPHABETS[random.below(8) < 4 ? 0 : random.below(ALPHABETS.length)];
  return Array.from({ length: 1 + random.below(24) }, () => alphabet[random.below(alphabet.length)]).join('');
}
