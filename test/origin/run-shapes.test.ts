// Both shapes of a run over a real graph: rows through the experts of all, and each row a tile with its own. Whatever the prices make of it, answers are those
// of each row by itself.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CostModel, RunSize } from '../../src/core/batching/cost-model.ts';
import { createRandom } from '../../src/core/random.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { bert } from '../../src/model/bert.ts';
import { encoderFeeds } from '../../src/model/encoder-feeds.ts';
import { emitPlainGraph } from '../../src/model/onnx-emitter.ts';
import type { GraphExpert } from '../../src/model/twin-parameters.ts';
import { encodeRows } from '../../src/origin/encode-rows.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { lookUp, mergeDense, randomMix, randomRow, randomTwin } from '../model/random-twin.ts';
import { randomEncoder } from './random-encoder.ts';

/** Prices by which one shape always wins, and what was run. */
function prices(tiled: boolean): CostModel & { readonly runs: RunSize[] } {
  const runs: RunSize[] = [];
  return { runs, predict: (size) => ((size.tiled ?? false) === tiled ? 1 : 2), observe: (size) => void runs.push(size) };
}

/** An expert that changes no tables and no vectors. */
function matricesOnly(expert: GraphExpert, tables: ReadonlySet<string>): GraphExpert {
  return {
    name: expert.name,
    module(name) {
      const module = expert.module(name);
      return module?.kind === 'factored' && !tables.has(name) ? module : undefined;
    },
  };
}

test('rows of any lengths and mixes have the answers of their dense merges, together and in tiles', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.boolean(), async (seed, tiled) => {
      const random = createRandom(seed);
      const whole = randomTwin(random);
      const tables = new Set(bert.tables(whole.config));
      const twin = { ...whole, experts: whole.experts.map((expert) => matricesOnly(expert, tables)) };
      const cost = prices(tiled);
      const encoder = await randomEncoder(twin, { cost });
      const rows = Array.from({ length: 2 + random.below(4) }, () => {
        const { ids, types } = randomRow(random, twin.config);
        return { ids: Int32Array.from(ids), types: Int32Array.from(types), mix: Float32Array.from(randomMix(random, twin.experts.length)) };
      });
      const { pooled, features } = await encoder.run(rows);
      expect(cost.runs.map((size) => size.tiled ?? false)).toEqual([tiled]);
      for (const [b, row] of rows.entries()) {
        const session = await createNodeSession(emitPlainGraph(bert, twin.config, lookUp(mergeDense(twin, [...row.mix])), []), {
          threads: 1,
        });
        const wanted = await encodeRows(session, 1, encoderFeeds([row]));
        await session.release();
        const own = (data: Float32Array) => data.subarray(b * wanted.pooled.data.length, (b + 1) * wanted.pooled.data.length);
        expect(maxDifference(own(pooled.data), wanted.pooled.data)).toBeLessThan(1e-5);
        expect(maxDifference(own(features.data), wanted.features.data)).toBeLessThan(1e-5);
      }
      await encoder.release();
    }),
    { seed: 5, numRuns: 24 },
  );
});
