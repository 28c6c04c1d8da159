// Open graphs on onnxruntime: whatever rows share a run and wherever their experts come from, each row has the answer of its own dense merge.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { bert } from '../../src/model/bert.ts';
import { emitPlainGraph } from '../../src/model/onnx-emitter.ts';
import type { PredictorRow } from '../../src/origin/predictor.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { feedsOf, lookUp, mergeDense, randomMix, randomRow, randomTwin, rowOf } from '../model/random-twin.ts';
import { randomEncoder } from './random-encoder.ts';

const SEEDS = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const TOLERANCE = 1e-5;

test(
  'oracle 2: rows of one run, with experts that are paged in and out, have the answers of their dense merges',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(SEEDS, fc.constantFrom(0, 2_000, Infinity), async (seed, expertBytes) => {
        const random = createRandom(seed);
        const twin = randomTwin(random);
        const encoder = await randomEncoder(twin, { expertBytes });
        const answerOn = async (instance: number): Promise<void> => {
          const rows = Array.from({ length: 1 + random.below(4) }, () => {
            const row = randomRow(random, twin.config);
            return { row, mix: randomMix(random, twin.experts.length) };
          });
          const { pooled, features } = await encoder.run(
            rows.map(({ row, mix }): PredictorRow => ({
              ids: Int32Array.from(row.ids),
              types: Int32Array.from(row.types),
              mix: Float32Array.from(mix),
            })),
            instance,
          );
          for (const [i, { row, mix }] of rows.entries()) {
            const dense = await createNodeSession(emitPlainGraph(bert, twin.config, lookUp(mergeDense(twin, mix)), []), { threads: 1 });
            const single = await dense.run(feedsOf([row]));
            await dense.release();
            expect(maxDifference(rowOf(pooled, i), rowOf(single['pooled'], 0))).toBeLessThan(TOLERANCE);
            expect(maxDifference(rowOf(features, i), rowOf(single['features'], 0))).toBeLessThan(TOLERANCE);
          }
        };
        expect(encoder.instances).toBe(2);
        for (let batch = 0; batch < 2; batch++) await Promise.all([answerOn(0), answerOn(1)]);
        await encoder.release();
      }),
      { seed: 5, numRuns: 20 },
    );
  },
);

test('a run brings the experts of its own rows and no others; prepared ones are there already', async () => {
  const random = createRandom(11);
  const twin = randomTwin(random);
  expect(twin.experts.length).toBeGreaterThan(1);
  const loaded: string[] = [];
  const encoder = await randomEncoder(twin, { onLoad: (name) => loaded.push(name) });
  const one = Float32Array.from(twin.experts, (_, e) => (e === 1 ? 1 : 0));
  await encoder.prepare?.(one);
  expect(loaded).toEqual(['e1']);
  await encoder.run([{ ids: Int32Array.of(1, 2), types: new Int32Array(2), mix: one }]);
  expect(loaded).toEqual(['e1']);
  await encoder.run([{ ids: Int32Array.of(1, 2), types: new Int32Array(2), mix: new Float32Array(twin.experts.length) }]);
  expect(loaded).toEqual(['e1']);
  await encoder.release();
});
