// One table of exactness: the same rows in every way in which an origin serves a pack. Tiny packs are what the build wrote, with factors of every format;
// test/slow/exactness.test.ts has the sample pack.

import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { differences, randomRows, serveInEveryWay, WAYS, type Served } from '../helpers/exactness.ts';
import { buildTinyPack, makeTinyInputs, type TinyInputs } from '../helpers/tiny-pack.ts';

let inputs: TinyInputs | undefined;
let served: Served | undefined;
afterEach(async () => {
  await served?.close();
  await inputs?.models.remove();
});

test.each([
  { quantize: 'none', about: 'shared', seed: 1 },
  { quantize: 'fp16', about: 'base', seed: 2 },
  { quantize: 'int8', about: 'base', seed: 3 },
  { quantize: 'int4', about: 'shared', seed: 4 },
  // Tables that no served expert changes are fed to graphs, and not part of them.
  { quantize: 'int8', about: 'shared', seed: 5, only: ['birds', 'stars'] },
])('factors $quantize about the $about', { timeout: 60_000 }, async ({ quantize, about, seed, only }) => {
  inputs = await makeTinyInputs({ quantize, about, rank: 3 }, seed);
  const opened = (served = await serveInEveryWay(await buildTinyPack(inputs), only));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 8 }), async (rowsSeed, count) => {
      const found = await differences(opened, randomRows(opened, createRandom(rowsSeed), count, 24));
      expect(WAYS.filter(({ tinyBound }, i) => !(found[i] <= tinyBound))).toEqual([]);
    }),
    { seed: 5, numRuns: 10 },
  );
});
