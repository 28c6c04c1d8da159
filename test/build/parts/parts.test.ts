// Builds in shards: the same bytes as on one machine, whatever the method and the number of shards, and a clear word about what is missing.

import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPack, type BuildDeps } from '../../../src/build/build-pack.ts';
import type { Engine } from '../../../src/build/engine/engine.ts';
import { selectEngine } from '../../../src/build/engine/select.ts';
import { buildPart, type BuiltPart, type Shard } from '../../../src/build/parts/build-part.ts';
import { openParts } from '../../../src/build/parts/parts.ts';
import { planBuild, type BuildPlan } from '../../../src/build/plan.ts';
import { noProgress } from '../../../src/core/progress.ts';
import { createRandom } from '../../../src/core/random.ts';
import { hashBytes } from '../../../src/formats/hash.ts';
import { openPart } from '../../../src/formats/part-file.ts';
import { openSafetensors } from '../../../src/formats/safetensors.ts';
import { createSha256, openFolder } from '../../../src/host/files.ts';
import { filesOf } from '../../helpers/files-of.ts';
import { makeTinyInputs, type TinyInputs } from '../../helpers/tiny-pack.ts';

let engine: Engine;
let deps: BuildDeps;
const made: TinyInputs[] = [];

beforeAll(async () => {
  engine = await selectEngine('wasm', { log: () => undefined });
  deps = { engine, progress: noProgress, producer: 'test' };
});

afterAll(async () => {
  await engine.dispose();
  await Promise.all(made.map(({ models }) => models.remove()));
});

async function inputsOf(...options: Parameters<typeof makeTinyInputs>): Promise<TinyInputs> {
  const inputs = await makeTinyInputs(...options);
  made.push(inputs);
  return inputs;
}

async function withPlan<T>({ config }: TinyInputs, use: (plan: BuildPlan) => Promise<T>): Promise<T> {
  const plan = await planBuild(config);
  try {
    return await use(plan);
  } finally {
    await plan.close();
  }
}

/** sha256 of every file by path: a difference is named in one line. */
async function hashesOf(folder: string): Promise<Record<string, string>> {
  return Object.fromEntries([...(await filesOf(folder))].map(([name, bytes]) => [name, hashBytes(bytes, createSha256)]));
}

/** Builds one part, of the first round where `spectra` is undefined. */
async function part(plan: BuildPlan, shard: Shard, out: string, spectra?: string): Promise<BuiltPart> {
  if (spectra === undefined) return buildPart(plan, shard, out, deps, undefined);
  const parts = await openParts([spectra]);
  try {
    return await buildPart(plan, shard, out, deps, parts);
  } finally {
    await parts.close();
  }
}

/** Builds all parts below `folder`. */
async function allParts(plan: BuildPlan, count: number, folder: string, spectra?: string): Promise<string> {
  for (let index = 0; index < count; index++) await part(plan, { index, count }, join(folder, String(index)), spectra);
  return folder;
}

async function joined(plan: BuildPlan, folder: string, out: string): Promise<string> {
  const parts = await openParts([folder]);
  try {
    await buildPack(plan, out, { ...deps, parts });
    return out;
  } finally {
    await parts.close();
  }
}

const KINDS = [
  ['twin', { rank: 4 }],
  ['twin', { energy: 0.9, about: 'base', quantize: 'none' }],
  ['twin', { shared: 'ties', density: 0.3, quantize: 'int4' }],
  ['twin', { shared: { method: 'dare_linear', density: 0.5 }, rank: 2, seed: 7 }],
  ['emr', { scale: 'per_row' }],
  ['emr', { scale: 'per_tensor' }],
  ['wemoe', { rank: 2, gate: { steps: 2, batch: 2 } }],
  ['e_wemoe', { gate: { steps: 2, batch: 2 } }],
] as const;

describe('a pack joined from parts is that of one machine, byte for byte', () => {
  test.each(KINDS)('%s, %o', async (method, parameters) => {
    const inputs = await inputsOf({ rank: undefined, ...parameters }, 1, method);
    await withPlan(inputs, async (plan) => {
      const whole = join(inputs.models.dir, 'whole');
      await buildPack(plan, whole, deps);
      const expected = await hashesOf(whole);
      const parts = await allParts(plan, 3, join(inputs.models.dir, 'parts'));
      expect(await hashesOf(await joined(plan, parts, join(inputs.models.dir, 'pack')))).toEqual(expected);
    });
  });

  test.each([{ about: 'shared' }, { about: 'base' }])('ranks by a budget, decided over all shards’ spectra, %o', async (about) => {
    const inputs = await inputsOf({ rank: undefined, budget: { average_rank: 2.5 }, ...about });
    const at = (name: string): string => join(inputs.models.dir, name);
    await withPlan(inputs, async (plan) => {
      await buildPack(plan, at('whole'), deps);
      const expected = await hashesOf(at('whole'));
      const spectra = await allParts(plan, 3, at('spectra'));
      expect(await hashesOf(await joined(plan, spectra, at('one-round')))).toEqual(expected);
      const merged = await allParts(plan, 2, at('merged'), spectra);
      expect(await hashesOf(await joined(plan, merged, at('two-rounds')))).toEqual(expected);
    });
  });

  test('any models, any rank rule, any count', async () => {
    const rule = fc.oneof(
      fc.integer({ min: 1, max: 16 }).map((rank) => ({ rank })),
      fc.integer({ min: 1, max: 99 }).map((percent) => ({ rank: undefined, energy: percent / 100 })),
      fc.integer({ min: 1, max: 99 }).map((percent) => ({ rank: undefined, density: percent / 100 })),
    );
    const shared = fc.constantFrom('task_arithmetic', 'breadcrumbs', 'tsv');
    const arbitrary = fc.record({ rule, shared, count: fc.integer({ min: 1, max: 12 }), seed: fc.integer({ min: 1, max: 1000 }) });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ rule: rank, shared: method, count, seed }) => {
        const inputs = await makeTinyInputs({ ...rank, shared: method }, seed);
        try {
          await withPlan(inputs, async (plan) => {
            const whole = join(inputs.models.dir, 'whole');
            await buildPack(plan, whole, deps);
            const parts = await allParts(plan, count, join(inputs.models.dir, 'parts'));
            expect(await hashesOf(await joined(plan, parts, join(inputs.models.dir, 'pack')))).toEqual(await hashesOf(whole));
          });
        } finally {
          await inputs.models.remove();
        }
      }),
      { seed: 3, numRuns: 3 },
    );
  }, 60_000);
});

describe('parts', () => {
  let inputs: TinyInputs;
  let folder: string;

  beforeAll(async () => {
    inputs = await inputsOf();
    folder = join(inputs.models.dir, 'parts');
    await withPlan(inputs, (plan) => allParts(plan, 3, folder));
  });

  /** A copy of the parts that may be spoilt. */
  async function copyOf(name: string): Promise<string> {
    const copy = join(inputs.models.dir, name);
    await cp(folder, copy, { recursive: true });
    return copy;
  }

  const join3 = (copy: string): Promise<string> => withPlan(inputs, (plan) => joined(plan, copy, join(inputs.models.dir, 'never')));

  test('that are there are kept, and joined wherever they lie', async () => {
    await withPlan(inputs, async (plan) => {
      const { wasThere } = await part(plan, { index: 1, count: 3 }, join(folder, '1'));
      expect(wasThere).toBe(true);
    });
    const copy = await copyOf('unfinished');
    await cp(join(copy, '1'), join(copy, '.1.dead-writer'), { recursive: true });
    expect(await join3(copy)).toMatch(/never$/);
    await rm(join(inputs.models.dir, 'never'), { recursive: true });
  });

  test('that are damaged, of another count or of another plan are built again', async () => {
    const copy = await copyOf('rebuilt');
    const expected = await hashesOf(folder);
    await writeFile(join(copy, '0/shared.safetensors'), 'cut off');
    const other = await inputsOf({}, 2);
    await withPlan(other, async (plan) => expect((await part(plan, { index: 1, count: 3 }, join(copy, '1'))).wasThere).toBe(false));
    await withPlan(inputs, async (plan) => {
      await part(plan, { index: 2, count: 4 }, join(copy, '2'));
      for (const index of [0, 1, 2]) expect((await part(plan, { index, count: 3 }, join(copy, String(index)))).wasThere).toBe(false);
    });
    expect(await hashesOf(copy)).toEqual(expected);
  });

  test('may be empty, where there are more shards than work', async () => {
    const out = join(inputs.models.dir, 'empty');
    const { part: empty } = await withPlan(inputs, (plan) => part(plan, { index: 199, count: 200 }, out));
    expect(empty.experts.flatMap(({ tensors }) => tensors)).toEqual([]);
    const folder = await openFolder(out);
    const { source } = await openPart(folder, createSha256);
    const names = await Promise.all(Object.keys(empty.files).map(async (file) => (await openSafetensors(await source(file))).names));
    await folder.close();
    expect(names).toEqual(Object.keys(empty.files).map(() => []));
  });

  test('are refused when one is missing, twice there, of another count, plan, version or engine', async () => {
    const missing = await copyOf('missing');
    await rm(join(missing, '1'), { recursive: true });
    await expect(join3(missing)).rejects.toThrow(/expected all 3 shards of config [0-9a-f]{16}, got 2; missing: 1/);
    const twice = await copyOf('twice');
    await cp(join(twice, '1'), join(twice, '3'), { recursive: true });
    await expect(join3(twice)).rejects.toThrow(/expected each shard once, got shard 1 here and in/);
    const count = await copyOf('count');
    await withPlan(inputs, (plan) => part(plan, { index: 1, count: 2 }, join(count, '1')));
    await expect(join3(count)).rejects.toThrow(/expected shard 1 of 3 as in .*0, got one of 2/);
    const plan2 = await inputsOf({}, 2);
    await expect(withPlan(plan2, (plan) => joined(plan, folder, join(inputs.models.dir, 'never')))).rejects.toThrow(
      /expected a part of config [0-9a-f]{16}, got [0-9a-f]{16}: its config or one of its inputs is another/,
    );
    const others: readonly (readonly [BuildDeps, RegExp])[] = [
      [{ ...deps, producer: 'newer' }, /expected a part of producer newer, got test/],
      [{ ...deps, engine: { ...engine, name: 'webgpu' } }, /expected a part of engine webgpu, got wasm/],
    ];
    for (const [changed, message] of others) {
      const parts = await openParts([folder]);
      const out = join(inputs.models.dir, 'never');
      await expect(withPlan(inputs, (plan) => buildPack(plan, out, { ...changed, parts }))).rejects.toThrow(message);
      await parts.close();
    }
    expect(await readdir(inputs.models.dir)).not.toContain('never');
  });

  test('are refused whatever byte of them was changed', async () => {
    const random = createRandom(5);
    for (const [name, bytes] of await filesOf(join(folder, '0'))) {
      const copy = await copyOf('changed');
      const changed = Buffer.from(bytes);
      changed[random.below(changed.length)] ^= 1 + random.below(255);
      await writeFile(join(copy, '0', name), changed);
      await expect(join3(copy)).rejects.toThrow(/expected/);
      await rm(copy, { recursive: true });
    }
    expect(await readdir(inputs.models.dir)).not.toContain('never');
  });

  test('are never put in the place of a folder that is none', async () => {
    const precious = await readFile(inputs.config, 'utf8');
    await expect(withPlan(inputs, (plan) => part(plan, { index: 0, count: 3 }, inputs.data))).rejects.toThrow(/expected an empty folder/);
    await expect(openParts([inputs.data])).rejects.toThrow(/expected a part of a build, got a folder without part.json/);
    await expect(openParts([join(inputs.models.dir, 'nowhere')])).rejects.toThrow(/expected a folder, got nothing/);
    expect(await readFile(inputs.config, 'utf8')).toBe(precious);
  });
});

describe('a method that needs all parameters together is refused with the reason', () => {
  test.each([
    ['twin', { shared: 'ada_merging' }, /ada_merging learns from texts that pass through all layers/],
    ['twin', { shared: 'regmean' }, /regmean learns from texts that pass through all layers/],
    ['emr', { scale: 'sums' }, /scale: sums is one number over all tensors of an expert/],
  ] as const)('%s, %o', async (method, parameters, message) => {
    const inputs = await inputsOf(parameters, 1, method);
    const out = join(inputs.models.dir, 'part');
    await expect(withPlan(inputs, (plan) => part(plan, { index: 0, count: 2 }, out))).rejects.toThrow(message);
    expect(await readdir(inputs.models.dir)).not.toContain('part');
  });

  test('and so are spectra for a plan without a budget', async () => {
    const budget = await inputsOf({ rank: undefined, budget: { average_rank: 2 } });
    const spectra = await withPlan(budget, (plan) => allParts(plan, 1, join(budget.models.dir, 'spectra')));
    const flat = await inputsOf();
    await expect(withPlan(flat, (plan) => part(plan, { index: 0, count: 1 }, join(flat.models.dir, 'part'), spectra))).rejects.toThrow(
      /expected parts with spectra only for a config with a budget/,
    );
  });
});
