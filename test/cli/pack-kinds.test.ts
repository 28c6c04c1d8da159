// Every kind of pack through the whole path: built, inspected, served, evaluated; and what it serves held against the dense merge that its
// method states.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Prediction } from '../../src/contract/http.ts';
import { Manifest } from '../../src/contract/manifest.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { createRandom } from '../../src/core/random.ts';
import { floatTensor, type FloatTensor } from '../../src/core/tensor.ts';
import { openBase, type Base } from '../../src/formats/checkpoint.ts';
import { openPack, type Pack } from '../../src/formats/pack.ts';
import { createSha256, openFolder, type HostFolder } from '../../src/host/files.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { encoderFeeds } from '../../src/model/encoder-feeds.ts';
import { emitPlainGraph } from '../../src/model/onnx-emitter.ts';
import { openPackWeights } from '../../src/model/pack-weights.ts';
import { layoutOf, openArchitecture } from '../../src/model/registry.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import type { Predictor, PredictorRow } from '../../src/origin/predictor.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { runCli } from '../helpers/run-cli.ts';
import { buildTinyPack, makeTinyInputs, TINY_EXPERTS, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';

/** The weights that a method states for a mix `[E]`, dense. */
type Dense = (parameter: string, mix: readonly number[]) => Promise<FloatTensor>;

interface Opened {
  readonly pack: Pack;
  readonly base: Base;
}

interface Kind {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The method's formula over a pack's parts. */
  readonly dense: (opened: Opened) => Promise<Dense>;
}

/** Σ coefficient·tensor in f64, rounded once. */
function combine(shape: readonly number[], terms: readonly (readonly [number, ArrayLike<number>])[]): FloatTensor {
  const sum = new Float64Array(shape.reduce((a, b) => a * b));
  for (const [coefficient, values] of terms) for (let i = 0; i < sum.length; i++) sum[i] += coefficient * values[i];
  return floatTensor(shape, Float32Array.from(sum));
}

/** What an expert's module adds at weight 1, dense. */
async function deltaOf(pack: Pack, expert: string, parameter: string, size: number): Promise<ArrayLike<number>> {
  const module = await (await (await openPackWeights(pack)).expert(expert)).module(parameter);
  if (module === undefined) return new Float64Array(size);
  if (module.kind === 'whole') return module.delta.data;
  const { u, v } = module;
  return Float64Array.from({ length: size }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < u.cols; k++) sum += u.data[Math.floor(at / v.cols) * u.cols + k] * v.data[k * v.cols + (at % v.cols)];
    return sum;
  });
}

/** Twin: centre + (1 − Σw or 1)·(W_s − centre) + Σ w·module, with the centre W_s or W_0. */
const twin =
  (about: 'shared' | 'base') =>
  async ({ pack, base }: Opened): Promise<Dense> => {
    const weights = await openPackWeights(pack);
    return async (parameter, mix) => {
      const shared = await weights.shared(parameter);
      const centre = about === 'shared' ? shared : await base.readFloat(parameter);
      const left = 1 - mix.reduce((sum, weight) => sum + weight, 0);
      const deltas = await Promise.all(TINY_EXPERTS.map(({ name }) => deltaOf(pack, name, parameter, shared.data.length)));
      return combine(shared.shape, [[1 - left, centre.data], [left, shared.data], ...deltas.map((delta, t) => [mix[t], delta] as const)]);
    };
  };

const KINDS: readonly Kind[] = [
  { name: 'twin', parameters: { rank: 4 }, dense: twin('shared') },
  { name: 'twin about the base', parameters: { rank: 4, about: 'base' }, dense: twin('base') },
  { name: 'twin about the base with TSV-M, ranks by budget', parameters: { rank: undefined, budget: { average_rank: 3 }, about: 'base', shared: 'tsv' }, dense: twin('base') },
];

const MIXES: readonly (readonly number[])[] = [
  [0, 0, 0],
  [0, 1, 0],
  [0.5, 0.25, 0],
  [0.2, 0.3, 0.5],
];

describe.each(KINDS)('$name', ({ parameters, dense }) => {
  let inputs: TinyInputs;
  let path: string;
  let folders: HostFolder[];
  let opened: Opened;
  let predictor: Predictor;

  beforeAll(async () => {
    inputs = await makeTinyInputs(parameters);
    path = await buildTinyPack(inputs);
    folders = [await openFolder(path), await openFolder(inputs.models.base)];
    const pack = await openPack(folders[0], createSha256);
    const model = openArchitecture(pack.manifest.architecture.type, pack.manifest.architecture.config);
    opened = { pack, base: await openBase(folders[1], () => layoutOf(model)) };
    predictor = await loadPredictor(pack);
  }, 60_000);

  afterAll(async () => {
    await predictor.release();
    for (const folder of folders) await folder.close();
    await inputs.models.remove();
  });

  test('each row of a batch is answered as by the dense merge of its own mix', async () => {
    const { pack } = opened;
    const { architecture, config, parameters: specs } = openArchitecture(pack.manifest.architecture.type, pack.manifest.architecture.config);
    const weights = await dense(opened);
    const random = createRandom(3);
    const rows = MIXES.map((mix): PredictorRow => ({ ...predictor.encode(tinyText(TINY_EXPERTS[random.below(3)].name, random.below(99))), mix: Float32Array.from(mix) }));
    const outputs = await predictor.run(rows);
    const heads = await Promise.all(TINY_EXPERTS.map(async ({ name }) => (await (await openPackWeights(pack)).expert(name)).head()));
    for (const [i, mix] of MIXES.entries()) {
      const merged = new Map<string, FloatTensor>();
      for (const { name } of specs) merged.set(name, await weights(name, mix));
      const session = await createNodeSession(emitPlainGraph(architecture, config, (name) => merged.get(name) ?? floatTensor([0], new Float32Array()), heads));
      const { logits, features } = await session.run(encoderFeeds([rows[i]]));
      await session.release();
      expect(maxDifference(outputs[i].logits, logits.dtype === 'float32' ? logits.data : [])).toBeLessThan(1e-5);
      expect(maxDifference(outputs[i].features, features.dtype === 'float32' ? features.data : [])).toBeLessThan(1e-5);
    }
  });

  test('the same inputs give the same bytes', async () => {
    const again = await runCli('inspect', await buildTinyPack(inputs, 'again'), '--json');
    expect(parseJsonWith(Manifest, again.out, 'inspect', 'internal').files).toEqual(opened.pack.manifest.files);
  });

  test('inspect, predict and eval take it', async () => {
    const people = await runCli('inspect', path);
    expect(people).toMatchObject({ code: 0 });
    const predicted = await runCli('predict', path, '--text', tinyText('ships', 9000), '--json');
    expect(parseJsonWith(Prediction, predicted.out, 'predict', 'internal').task).toBe('ships');
    const table = await runCli('eval', path, '--data', inputs.data, '--experts', inputs.models.dir, '--json');
    expect(JSON.parse(table.out)).toMatchObject({ routing_accuracy: 1, tasks: { ships: { rows: 20 } } });
  });
});

test('a config with two rank rules is refused', async () => {
  const { models, config } = await makeTinyInputs({ rank: 2, budget: { bytes: 9000 } });
  const { code, err } = await runCli('build', config, '--out', join(models.dir, 'never'));
  await models.remove();
  expect(code).toBe(1);
  expect(err).toMatch(/expected one of rank, energy, density and budget, got 2/);
});
