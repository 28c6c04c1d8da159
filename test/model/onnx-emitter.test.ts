import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { floatTensor } from '../../src/core/tensor.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { bert } from '../../src/model/bert.ts';
import { emitPlainGraph, emitTwinGraph } from '../../src/model/onnx-emitter.ts';
import type { ExclusiveModule } from '../../src/model/twin-parameters.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { feedsOf, lookUp, mergeDense, randomMix, randomRow, randomTwin, rowOf, type RandomTwin } from './random-twin.ts';

const SEEDS = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const TOLERANCE = 1e-5;

const emit = ({ config, shared, experts, heads }: RandomTwin): Uint8Array => emitTwinGraph(bert, config, lookUp(shared), experts, heads);

describe('the factored graph', () => {
  test('oracles 2 and 14: answers each row of a batch like the dense merge of its own mix', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(SEEDS, async (seed) => {
        const random = createRandom(seed);
        const twin = randomTwin(random);
        const rows = Array.from({ length: 4 }, () => randomRow(random, twin.config));
        const mixes = rows.map(() => randomMix(random, twin.experts.length));
        const session = await createNodeSession(emit(twin), { threads: 1 });
        const batch = await session.run(feedsOf(rows, mixes));
        await session.release();
        for (const [i, row] of rows.entries()) {
          const dense = await createNodeSession(emitPlainGraph(bert, twin.config, lookUp(mergeDense(twin, mixes[i])), twin.heads), {
            threads: 1,
          });
          const single = await dense.run(feedsOf([row]));
          await dense.release();
          expect(maxDifference(rowOf(batch['logits'], i), rowOf(single['logits'], 0))).toBeLessThan(TOLERANCE);
          expect(maxDifference(rowOf(batch['features'], i), rowOf(single['features'], 0))).toBeLessThan(TOLERANCE);
        }
      }),
      { seed: 3, numRuns: 25 },
    );
  });

  test('answers a row alike whatever its neighbours and its padding', async () => {
    await fc.assert(
      fc.asyncProperty(SEEDS, async (seed) => {
        const random = createRandom(seed);
        const twin = randomTwin(random);
        const session = await createNodeSession(emit(twin), { threads: 1 });
        const rows = Array.from({ length: 5 }, () => randomRow(random, twin.config));
        const mixes = rows.map(() => randomMix(random, twin.experts.length));
        const batch = await session.run(feedsOf(rows, mixes, twin.config.max_position_embeddings));
        for (const [i, row] of rows.entries()) {
          const alone = await session.run(feedsOf([row], [mixes[i]]));
          expect(maxDifference(rowOf(batch['logits'], i), rowOf(alone['logits'], 0))).toBeLessThan(TOLERANCE);
          expect(maxDifference(rowOf(batch['features'], i), rowOf(alone['features'], 0))).toBeLessThan(TOLERANCE);
        }
        await session.release();
      }),
      { seed: 4, numRuns: 15 },
    );
  });

  test('is the same bytes for the same model', () => {
    expect(emit(randomTwin(createRandom(5)))).toEqual(emit(randomTwin(createRandom(5))));
    expect(emit(randomTwin(createRandom(5)))).not.toEqual(emit(randomTwin(createRandom(6))));
  });
});

test('a graph without heads gives what heads read', async () => {
  const { config, shared } = randomTwin(createRandom(1));
  const session = await createNodeSession(emitPlainGraph(bert, config, lookUp(shared), []), { threads: 1 });
  const outputs = await session.run(feedsOf([randomRow(createRandom(2), config)]));
  expect(Object.keys(outputs)).toEqual(['pooled', 'features']);
  expect(outputs['features'].shape).toEqual([1, config.hidden_size]);
  await session.release();
});

describe('modules that do not fit are refused with expert and parameter', () => {
  const { config, shared, heads } = randomTwin(createRandom(7));
  const zeros = (...shape: number[]) => floatTensor(shape, new Float32Array(shape.reduce((a, b) => a * b)));
  const d = config.hidden_size;
  const cases: readonly [string, string, ExclusiveModule][] = [
    ['a whole delta on a matrix', 'pooler.dense.weight', { kind: 'whole', delta: zeros(d, d) }],
    ['factors on a vector', 'pooler.dense.bias', { kind: 'factored', u: zeros(d, 1), v: zeros(1, 1) }],
    ['U of another height', 'pooler.dense.weight', { kind: 'factored', u: zeros(d + 1, 2), v: zeros(2, d) }],
    ['factors of two ranks', 'pooler.dense.weight', { kind: 'factored', u: zeros(d, 3), v: zeros(2, d) }],
    ['V of another width', 'pooler.dense.weight', { kind: 'factored', u: zeros(d, 2), v: zeros(2, d + 1) }],
    ['a delta of another length', 'pooler.dense.bias', { kind: 'whole', delta: zeros(d + 1) }],
  ];
  test.each(cases)('%s', (_, parameter, module) => {
    const expert = { name: 'odd', module: (name: string) => (name === parameter ? module : undefined) };
    const attempt = () => emitTwinGraph(bert, config, lookUp(shared), [expert], heads.slice(0, 1));
    expect(attempt).toThrow(expect.objectContaining({ code: 'shape', message: expect.stringMatching(`odd.*${parameter}`) }));
  });

  test('a head of another width', () => {
    const head = { weight: zeros(2, d + 1), bias: zeros(2) };
    expect(() => emitPlainGraph(bert, config, lookUp(shared), [head])).toThrow(expect.objectContaining({ code: 'shape' }));
  });
});
