// `twinroute add` on tiny packs: the old bytes stay, the new expert is served like one that was there from the start.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Prediction } from '../../src/contract/http.ts';
import { Manifest } from '../../src/contract/manifest.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { matmulPlain } from '../../src/core/linalg/matmul.ts';
import { readTheta } from '../../src/build/theta.ts';
import { openBase, openExpert } from '../../src/formats/checkpoint.ts';
import { openPack } from '../../src/formats/pack.ts';
import { createSha256 } from '../../src/host/files.ts';
import { withFolder } from '../../src/host/with-folder.ts';
import { openPackWeights } from '../../src/model/pack-weights.ts';
import { layoutOf, openArchitecture } from '../../src/model/registry.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { runCli } from '../helpers/run-cli.ts';
import { makeTinyModels, type TinyModels } from '../helpers/tiny-bert.ts';
import { addFlags, buildTinyPack, makeTinyInputs, TINY_EXPERTS, type TinyInputs } from '../helpers/tiny-pack.ts';

const NEW_WORDS = ['flour', 'yeast', 'oven', 'crust', 'dough', 'bake', 'butter', 'knead'];

async function manifestOf(pack: string): Promise<Manifest> {
  return parseJsonWith(Manifest, (await runCli('inspect', pack, '--json')).out, 'inspect', 'internal');
}

describe.each([
  { title: 'about the shared model', parameters: {} },
  { title: 'about the base, under a budget', parameters: { about: 'base', rank: undefined, budget: { average_rank: 4 } } },
])('$title', ({ parameters }) => {
  let inputs: TinyInputs;
  let more: TinyModels;
  let pack: string;
  let args: string[];

  beforeAll(async () => {
    inputs = await makeTinyInputs(parameters);
    pack = await buildTinyPack(inputs);
    // The same seed makes the same base.
    more = await makeTinyModels({
      seed: 1,
      experts: [
        { name: 'bread', kind: 'full', classes: 4 },
        { name: 'rolls', kind: 'lora', classes: 2 },
      ],
    });
    const examples = join(more.dir, 'bread.jsonl');
    const text = (i: number): string => Array.from({ length: 5 }, (_, k) => NEW_WORDS[(i * (k + 3) + k) % NEW_WORDS.length]).join(' ');
    await writeFile(examples, Array.from({ length: 60 }, (_, i) => `${JSON.stringify({ text: text(i) })}\n`).join(''));
    args = addFlags(inputs, examples);
  }, 60_000);

  afterAll(async () => {
    await inputs.models.remove();
    await more.remove();
  });

  test.each(['bread', 'rolls'])('%s joins; every old file but routers, samples and reports keeps its bytes', async (name) => {
    const out = join(inputs.models.dir, `with-${name}`);
    const added = await runCli('add', pack, more.experts[name], '--name', name, '--out', out, ...args);
    expect(added).toMatchObject({ code: 0 });
    const [before, after] = [await manifestOf(pack), await manifestOf(out)];
    const kept = Object.keys(before.files).filter((file) => !['router.onnx', 'samples.jsonl', 'report.md', 'report.html'].includes(file));
    expect(kept).toEqual(
      expect.arrayContaining(['shared.safetensors', ...TINY_EXPERTS.map((expert) => `experts/${expert.name}.safetensors`)]),
    );
    for (const file of kept) expect(await readFile(join(out, file))).toEqual(await readFile(join(pack, file)));
    expect(after.experts.slice(0, 3)).toEqual(before.experts);
    expect(after.config).not.toBe(before.config);
    expect(after.router?.classes).toEqual([...TINY_EXPERTS.map((expert) => expert.name), name]);

    // What is served under its one-hot mix is the expert itself, but for what its ranks and format leave out.
    await withFolder(out, (outFolder) =>
      withFolder(inputs.models.base, (baseFolder) =>
        withFolder(more.experts[name], async (folder) => {
          const weights = await openPackWeights(await openPack(outFolder, createSha256));
          const base = await openBase(baseFolder, () => layoutOf(openArchitecture(after.architecture.type, after.architecture.config)));
          const source = await openExpert(folder, base);
          for (const { name: parameter, error } of after.experts[3].tensors) {
            const origin = await base.readFloat(parameter);
            const theta = await readTheta(origin, source.parameter(parameter), matmulPlain);
            const centre = (await weights.centre(parameter)).data;
            const served = (await weights.folded(parameter, [{ expert: name, weight: 1 }])).data;
            const norm = (a: ArrayLike<number>, b: ArrayLike<number>): number => Math.hypot(...Array.from(a, (value, i) => value - b[i]));
            expect(norm(served, theta)).toBeLessThanOrEqual((error + 1e-4) * norm(theta, centre) + 1e-5);
          }
          expect(maxDifference((await (await weights.expert(name)).head()).weight.data, source.head.weight.data)).toBe(0);
        }),
      ),
    );
    const predicted = await runCli('predict', out, '--text', 'yeast dough oven butter', '--json');
    expect(parseJsonWith(Prediction, predicted.out, 'predict', 'internal').task).toBe(name);
  });

  test('a tenth joins what a ninth has joined, when the config lists the ninth’s texts', async () => {
    const out = join(inputs.models.dir, 'with-two');
    const config = join(inputs.models.dir, 'two.yaml');
    const known: { models: object[] } = JSON.parse(await readFile(inputs.config, 'utf8'));
    const bread = { name: 'bread', model: more.experts['bread'], examples: args[1] };
    await writeFile(config, JSON.stringify({ ...known, models: [...known.models, bread] }));
    const first = join(inputs.models.dir, 'with-bread');
    const missing = await runCli('add', first, more.experts['rolls'], '--name', 'rolls', '--out', out, ...args);
    expect(missing).toMatchObject({ code: 1, err: expect.stringMatching(/expected a model named bread with examples/) });
    const second = await runCli('add', first, more.experts['rolls'], '--name', 'rolls', '--out', out, ...args, '--config', config);
    expect(second).toMatchObject({ code: 0 });
    const { experts, parameters: recorded } = await manifestOf(out);
    expect(experts.map((expert) => expert.name)).toEqual(['birds', 'ships', 'stars', 'bread', 'rolls']);
    expect(recorded['added']).toEqual(['bread', 'rolls']);
  });

  test('another base, a name that is taken, and a name that is none are refused', async () => {
    const out = join(inputs.models.dir, 'never');
    const attempt = (expert: string, name: string, ...rest: string[]) =>
      runCli('add', pack, expert, '--name', name, '--out', out, ...args, ...rest);
    expect((await attempt(more.experts['bread'], 'birds')).err).toMatch(/expected a name that the pack does not have/);
    expect((await attempt(more.experts['bread'], '../bread')).err).toMatch(/expected a name of 1 to 64/);
    const other = await makeTinyModels({ seed: 2 });
    expect((await attempt(more.experts['bread'], 'bread', '--base', other.base)).err).toMatch(
      /expected the base that the pack was built from/,
    );
    await other.remove();
  });
});
