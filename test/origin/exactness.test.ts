// One table of exactness: the same rows in every way in which an origin serves a pack. Tiny packs are what the build wrote, with factors of every format;
// test/slow/exactness.test.ts has the sample pack.

import { readFile, writeFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { createRandom } from '../../src/core/random.ts';
import { differences, randomRows, serveInEveryWay, WAYS, type Served } from '../helpers/exactness.ts';
import { buildTinyPack, makeTinyInputs, TINY_EXPERTS, type TinyInputs } from '../helpers/tiny-pack.ts';

const ADAPTERS = new Set(TINY_EXPERTS.flatMap(({ name, kind }) => (kind === 'lora' ? [name] : [])));

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
  // Adapters leave tables alone, which are fed to graphs then, and not part of them.
  { quantize: 'int8', about: 'base', seed: 5, adapters: true },
])('factors $quantize about the $about', { timeout: 60_000 }, async ({ quantize, about, seed, adapters = false }) => {
  inputs = await makeTinyInputs({ quantize, about, rank: 3 }, seed);
  if (adapters) await keepAdapters(inputs.config);
  const opened = (served = await serveInEveryWay(await buildTinyPack(inputs)));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 8 }), async (rowsSeed, count) => {
      const found = await differences(opened, randomRows(opened, createRandom(rowsSeed), count, 24));
      expect(WAYS.filter(({ tinyBound }, i) => !(found[i] <= tinyBound))).toEqual([]);
    }),
    { seed: 5, numRuns: 10 },
  );
});

async function keepAdapters(path: string): Promise<void> {
  const config = z.parse(z.looseObject({ models: z.array(z.looseObject({ name: z.string() })) }), JSON.parse(await readFile(path, 'utf8')));
  await writeFile(path, JSON.stringify({ ...config, models: config.models.filter(({ name }) => ADAPTERS.has(name)) }));
}
