// One table of exactness: the same rows in every way in which an origin serves a pack. Tiny packs are what the build wrote, with factors of every format;
// test/slow/exactness.test.ts has the sample pack.

import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { createRandom } from '../../src/core/random.ts';
import { loadHead } from '../../src/formats/expert-file.ts';
import type { GraphHead } from '../../src/model/twin-parameters.ts';
import { systemClock } from '../../src/origin/clock.ts';
import { createModelTable } from '../../src/origin/model-table.ts';
import { packFolder } from '../../src/origin/repository/pack-place.ts';
import { createRepository } from '../../src/origin/repository/repository.ts';
import { servePack } from '../../src/origin/served-pack.ts';
import { differences, randomRows, serveInEveryWay, WAYS, type Served } from '../helpers/exactness.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { buildTinyPack, makeTinyInputs, TINY_EXPERTS, type TinyInputs } from '../helpers/tiny-pack.ts';

const ADAPTERS = new Set(TINY_EXPERTS.flatMap(({ name, kind }) => (kind === 'lora' ? [name] : [])));

let inputs: TinyInputs | undefined;
let served: Served | undefined;
afterEach(async () => {
  await served?.close();
  await inputs?.models.remove();
  served = inputs = undefined;
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

test('packs that took the place of others while these were served: also the logits of every head', { timeout: 60_000 }, async () => {
  const both = [await makeTinyInputs({ rank: 4 }, 6), await makeTinyInputs({ rank: 2, about: 'base' }, 7)];
  const packs = [await buildTinyPack(both[0]), await buildTinyPack(both[1])];
  const live = join(both[0].models.dir, 'live');
  const table = createModelTable([]);
  const repository = createRepository({
    places: [packFolder(live, undefined, { threads: 1, expertBytes: 1 })],
    table,
    fixed: [],
    serve: (predictor) =>
      servePack(predictor, { watch: { ran: () => undefined }, clock: systemClock, maxBatch: 4, maxDelayMs: 0, maxQueue: 64 }),
    makeRoom: () => Promise.resolve(),
    reloaded: () => undefined,
    log: () => undefined,
  });
  for (const path of packs) {
    await rm(live, { recursive: true, force: true });
    await cp(path, live, { recursive: true });
    await repository.refresh();
    const dense = await serveInEveryWay(path);
    const { pack, reference } = dense;
    const rows = randomRows(dense, createRandom(8), 6, 24);
    const { batcher, predictor } = table.find('tiny');
    for (const e of predictor.experts.keys()) await predictor.prepare?.(rows[0].mix, e);
    const { outputs } = await batcher.submit(rows);
    for (const [i, { logits, features }] of outputs.entries()) {
      const wanted = await reference.run(rows[i]);
      expect(maxDifference(features, wanted.features)).toBeLessThan(1e-5);
      for (const [e, expert] of pack.manifest.experts.entries()) {
        const head = await loadHead(await pack.source(expert.file), expert, wanted.pooled.length);
        expect(maxDifference(logits(e), denseHead(head, wanted.pooled))).toBeLessThan(1e-5);
      }
    }
    await dense.close();
  }
  for (const { predictor } of await repository.close()) await predictor.release();
  for (const { models } of both) await models.remove();
});

function denseHead({ weight, bias }: GraphHead, pooled: Float32Array): readonly number[] {
  return Array.from(bias.data, (start, c) => pooled.reduce((sum, x, j) => sum + x * weight.data[c * pooled.length + j], start));
}
