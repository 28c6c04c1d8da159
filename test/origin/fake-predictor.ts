// A predictor whose answers can be computed by hand: ids are word lengths, logits tell which row, class and mix they come from.

import type { Predictor, PredictorRow, ServedExpert } from '../../src/origin/predictor.ts';

export const EXPERTS: readonly ServedExpert[] = [
  { name: 'cola', labels: ['unacceptable', 'acceptable'], problem: 'classification' },
  { name: 'mnli', labels: ['entailment', 'neutral', 'contradiction'], problem: 'classification' },
  { name: 'stsb', labels: ['similarity'], problem: 'regression' },
];

/** The logit of class `c` (over all heads): 1000·(Σ ids) + 100·(mix as digits) + c. */
export function logitOf(row: PredictorRow, c: number): number {
  return 1000 * row.ids.reduce((sum, id) => sum + id, 0) + 100 * row.mix.reduce((sum, weight, e) => sum + weight * (e + 1), 0) + c;
}

export function createFakePredictor(overrides: Partial<Predictor> = {}): Predictor {
  return {
    name: 'glue',
    version: '0123456789abcdef',
    experts: EXPERTS,
    maxTokens: 8,
    vocabulary: 100,
    segments: 2,
    encode(text, pair) {
      const words = (part: string): number[] => part.split(/\s+/).map((word) => Math.min(word.length, 99));
      const first = words(text);
      const all = pair === undefined ? first : [...first, ...words(pair)];
      return {
        ids: Int32Array.from(all.slice(0, 8)),
        types: Int32Array.from(all.slice(0, 8), (_, i) => (i < first.length ? 0 : 1)),
        truncated: all.length > 8,
      };
    },
    run: (rows) =>
      Promise.resolve(
        rows.map((row) => ({
          logits(expert) {
            const start = EXPERTS.slice(0, expert).reduce((sum, { labels }) => sum + labels.length, 0);
            return Float32Array.from(EXPERTS[expert].labels, (_, c) => logitOf(row, start + c));
          },
          features: Float32Array.of(row.ids[0], row.ids.length),
        })),
      ),
    release: () => Promise.resolve(),
    ...overrides,
  };
}
