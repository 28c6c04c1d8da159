// Every kind of pack through the whole path: built, inspected, served, evaluated; and what it serves held against the dense merge that its
// method states.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Prediction } from '../../src/contract/http.ts';
import { Manifest } from '../../src/contract/manifest.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { readTheta } from '../../src/build/theta.ts';
import { matmulPlain } from '../../src/core/linalg/matmul.ts';
import { createRandom } from '../../src/core/random.ts';
import { floatTensor, type FloatTensor } from '../../src/core/tensor.ts';
import { openBase, openExpert, type Base, type ExpertSource } from '../../src/formats/checkpoint.ts';
import { openPack, type Pack } from '../../src/formats/pack.ts';
import { createSha256, openFolder, type HostFolder } from '../../src/host/files.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { encoderFeeds } from '../../src/model/encoder-feeds.ts';
import { emitPlainGraph } from '../../src/model/onnx-emitter.ts';
import { openPackWeights } from '../../src/model/pack-weights.ts';
import { layoutOf, openArchitecture } from '../../src/model/registry.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import type { Predictor, PredictorRow } from '../../src/origin/predictor.ts';
import { allLogits } from '../helpers/all-logits.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { runCli } from '../helpers/run-cli.ts';
import { addFlags, buildTinyPack, makeTinyInputs, TINY_EXPERTS, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';

/** The weights that a method states for a mix `[E]`, dense. */
type Dense = (parameter: string, mix: readonly number[]) => Promise<FloatTensor>;

interface Opened {
  readonly pack: Pack;
  readonly base: Base;
  /** In the order of the pack's experts. */
  readonly experts: readonly ExpertSource[];
}

interface Kind {
  readonly name: string;
  readonly method?: 'emr';
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

/** Entries of a tensor that one scale is for: how long the expert is there, and how long the unified vector behind its mask. */
interface Run {
  readonly size: number;
  readonly full: number;
  readonly kept: number;
}

/** Σ full / Σ kept. */
function quotient(runs: readonly Pick<Run, 'full' | 'kept'>[]): number {
  const kept = runs.reduce((sum, run) => sum + run.kept, 0);
  return kept === 0 ? 0 : runs.reduce((sum, run) => sum + run.full, 0) / kept;
}

/** The scale of one run of a tensor, from all tensors of an expert and from its own. */
const SCALES: Readonly<Record<'sums' | 'means' | 'per_tensor' | 'per_row', (all: readonly Run[], own: Run) => number>> = {
  sums: (all) => quotient(all),
  means: (all) => quotient(all.map(({ size, full, kept }) => ({ full: full / size, kept: kept / size }))),
  per_tensor: (_, own) => quotient([own]),
  per_row: (_, own) => quotient([own]),
};

/** EMR from the checkpoints: W_0 + Σ w·scale·(mask ⊙ unified), as the paper spells it entry by entry. */
const emr =
  (scale: keyof typeof SCALES) =>
  async ({ base, experts, pack }: Opened): Promise<Dense> => {
    const tensors = new Map<string, { readonly shape: readonly number[]; readonly origin: Float32Array; readonly own: Float64Array[] }>();
    const runs = experts.map(() => new Map<string, readonly Run[]>());
    for (const { name, shape } of openArchitecture(pack.manifest.architecture.type, pack.manifest.architecture.config).parameters) {
      const origin = await base.readFloat(name);
      const thetas = await Promise.all(experts.map((expert) => readTheta(origin, expert.parameter(name), matmulPlain)));
      const vectors = thetas.map((theta) => theta.map((value, i) => value - origin.data[i]));
      const elected = origin.data.map((_, i) => Math.sign(vectors.reduce((sum, each) => sum + each[i], 0)));
      const own = vectors.map((vector, t) => {
        const most = (i: number): number => Math.max(...vectors.map((each) => each[i] * elected[i]));
        const values = Float64Array.from(vector, (value, i) => (value * elected[i] > 0 ? elected[i] * most(i) : 0));
        const size = scale === 'per_row' ? (shape[1] ?? shape[0]) : vector.length;
        const sum = (of: ArrayLike<number>, from: number): number =>
          Array.from({ length: size }, (_, i) => Math.abs(of[from + i])).reduce((a, b) => a + b);
        const starts = Array.from({ length: vector.length / size }, (_, k) => k * size);
        runs[t].set(
          name,
          starts.map((from) => ({ size, full: sum(vector, from), kept: sum(values, from) })),
        );
        return values;
      });
      tensors.set(name, { shape, origin: origin.data, own });
    }
    return (parameter, mix) => {
      const found = tensors.get(parameter);
      if (found === undefined) throw new Error(`no parameter ${parameter}`);
      const scaled = found.own.map((values, t) => {
        const all = [...runs[t].values()].flat();
        const scales = (runs[t].get(parameter) ?? []).map((run) => SCALES[scale](all, run));
        return values.map((value, i) => value * scales[Math.floor((i * scales.length) / values.length)]);
      });
      return Promise.resolve(combine(found.shape, [[1, found.origin], ...scaled.map((values, t) => [mix[t], values] as const)]));
    };
  };

const KINDS: readonly Kind[] = [
  { name: 'twin', parameters: { rank: 4 }, dense: twin('shared') },
  { name: 'twin about the base', parameters: { rank: 4, about: 'base' }, dense: twin('base') },
  {
    name: 'twin about the base with TSV-M, ranks by budget',
    parameters: { rank: undefined, budget: { average_rank: 3 }, about: 'base', shared: 'tsv' },
    dense: twin('base'),
  },
  { name: 'emr', method: 'emr', parameters: {}, dense: emr('per_row') },
  ...(['sums', 'means', 'per_tensor'] as const).map((scale): Kind => ({
    name: `emr, scale ${scale}`,
    method: 'emr',
    parameters: { scale },
    dense: emr(scale),
  })),
];

const MIXES: readonly (readonly number[])[] = [
  [0, 0, 0],
  [0, 1, 0],
  [0.5, 0.25, 0],
  [0, 1, 0],
  [0.25, 0.25, 0.5],
];

describe.each(KINDS)('$name', ({ parameters, method, dense }) => {
  let inputs: TinyInputs;
  let path: string;
  let folders: HostFolder[];
  let opened: Opened;
  let predictor: Predictor;

  beforeAll(async () => {
    inputs = await makeTinyInputs(parameters, 1, method);
    path = await buildTinyPack(inputs);
    folders = [];
    for (const folder of [path, inputs.models.base, ...TINY_EXPERTS.map(({ name }) => inputs.models.experts[name])])
      folders.push(await openFolder(folder));
    const pack = await openPack(folders[0], createSha256);
    const model = openArchitecture(pack.manifest.architecture.type, pack.manifest.architecture.config);
    const base = await openBase(folders[1], () => layoutOf(model));
    opened = { pack, base, experts: await Promise.all(folders.slice(2).map((folder) => openExpert(folder, base))) };
    predictor = await loadPredictor(pack);
  }, 60_000);

  afterAll(async () => {
    await predictor.release();
    for (const folder of folders) await folder.close();
    await inputs.models.remove();
  });

  test('oracles 2 and 14: each row of a batch is answered as by the dense merge of its own mix', async () => {
    const { pack } = opened;
    const {
      architecture,
      config,
      parameters: specs,
    } = openArchitecture(pack.manifest.architecture.type, pack.manifest.architecture.config);
    const weights = await dense(opened);
    const random = createRandom(3);
    const rows = MIXES.map((mix): PredictorRow => ({
      ...predictor.encode(tinyText(TINY_EXPERTS[random.below(3)].name, random.below(99))),
      mix: Float32Array.from(mix),
    }));
    const outputs = await predictor.run(rows);
    const heads = await Promise.all(TINY_EXPERTS.map(async ({ name }) => (await (await openPackWeights(pack)).expert(name)).head()));
    for (const [i, mix] of MIXES.entries()) {
      const merged = new Map<string, FloatTensor>();
      for (const { name } of specs) merged.set(name, await weights(name, mix));
      const session = await createNodeSession(
        emitPlainGraph(architecture, config, (name) => merged.get(name) ?? floatTensor([0], new Float32Array()), heads),
      );
      const { logits, features } = await session.run(encoderFeeds([rows[i]]));
      await session.release();
      expect(maxDifference(allLogits(outputs[i], predictor), logits.dtype === 'float32' ? logits.data : [])).toBeLessThan(1e-5);
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

describe('an EMR pack', () => {
  test('stores one bit a parameter of an expert, a scale a row, and the head', async () => {
    const { models, ...inputs } = await makeTinyInputs({}, 1, 'emr');
    const path = await buildTinyPack({ models, ...inputs });
    const manifest = parseJsonWith(Manifest, (await runCli('inspect', path, '--json')).out, 'inspect', 'internal');
    for (const { file, labels, tensors } of manifest.experts) {
      const bits = tensors
        .filter(({ kind }) => kind === 'masked')
        .reduce((sum, { shape }) => sum + Math.ceil(shape.reduce((a, b) => a * b) / 8), 0);
      const rows = tensors.filter(({ kind }) => kind === 'masked').reduce((sum, { shape }) => sum + (shape.length === 2 ? shape[0] : 1), 0);
      const head = 4 * (labels.length * models.config.hidden_size + labels.length);
      const { byteLength } = await readFile(join(path, file));
      const header = Number((await readFile(join(path, file))).readBigUInt64LE(0)) + 8;
      expect(byteLength - header - bits - 4 * rows - head).toBeLessThan(8 * 2 * 2 * tensors.length); // padding between tensors
    }
    await models.remove();
  });

  test('takes no parameter that would have no effect, no new expert, and no factored graph', async () => {
    const ranked = await makeTinyInputs({ rank: 4 }, 1, 'emr');
    const refused = await runCli('build', ranked.config, '--out', join(ranked.models.dir, 'never'));
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/merge_method emr no parameters but scale, router, policy, max_tokens, seed, got rank/),
    });
    await ranked.models.remove();
    const scaled = await makeTinyInputs({ scale: 'sums' });
    expect((await runCli('build', scaled.config, '--out', join(scaled.models.dir, 'never'))).err).toMatch(
      /merge_method twin no parameters but .*, got scale/,
    );
    await scaled.models.remove();
    const inputs = await makeTinyInputs({}, 1, 'emr');
    const path = await buildTinyPack(inputs);
    const out = join(inputs.models.dir, 'never');
    expect((await runCli('add', path, inputs.models.experts['birds'], '--name', 'more', '--out', out, ...addFlags(inputs))).err).toMatch(
      /expected a pack of twin, got one of emr/,
    );
    expect((await runCli('export', path, out, '--format', 'onnx')).err).toMatch(/expected factored modules, got a pack of emr/);
    expect(await runCli('export', path, join(inputs.models.dir, 'folded'), '--format', 'hf', '--mix', '{"ships":1}')).toMatchObject({
      code: 0,
    });
    await inputs.models.remove();
  });
});
