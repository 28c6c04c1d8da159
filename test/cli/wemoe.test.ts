// Packs of WEMoE and E-WEMoE through the whole path; and what they serve held against the method's formula over the checkpoints.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Prediction } from '../../src/contract/http.ts';
import { Manifest } from '../../src/contract/manifest.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { readTheta } from '../../src/build/theta.ts';
import { matmulPlain } from '../../src/core/linalg/matmul.ts';
import { floatTensor, type FloatTensor, type Tensor } from '../../src/core/tensor.ts';
import { openBase, openExpert, type Base, type ExpertSource } from '../../src/formats/checkpoint.ts';
import { openPack, type Pack } from '../../src/formats/pack.ts';
import { createSha256, openFolder, type HostFolder } from '../../src/host/files.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { bert } from '../../src/model/bert.ts';
import { encoderFeeds } from '../../src/model/encoder-feeds.ts';
import { emitPlainGraph } from '../../src/model/onnx-emitter.ts';
import { packGraph } from '../../src/model/pack-graph.ts';
import { layoutOf, openArchitecture, type OpenArchitecture } from '../../src/model/registry.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import type { Predictor, PredictorRow } from '../../src/origin/predictor.ts';
import { allLogits } from '../helpers/all-logits.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { runCli } from '../helpers/run-cli.ts';
import { addFlags, buildTinyPack, makeTinyInputs, TINY_EXPERTS, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';

const NAMES = TINY_EXPERTS.map(({ name }) => name);
const GATE = { steps: 5, rate: 0.02, batch: 2 };

function floats(tensor: Tensor): Float32Array {
  if (tensor.dtype === 'float32') return tensor.data;
  throw new Error(`expected float32, got ${tensor.dtype}`);
}

describe.each(['wemoe', 'e_wemoe'] as const)('%s', (method) => {
  let inputs: TinyInputs;
  let path: string;
  let folders: HostFolder[];
  let pack: Pack;
  let model: OpenArchitecture;
  let base: Base;
  let experts: ExpertSource[];
  let predictor: Predictor;

  beforeAll(async () => {
    // Modules without loss, so that the formula over the checkpoints is what is served.
    inputs = await makeTinyInputs(
      { rank: 16, quantize: 'none', router: 'auto', gate: { ...GATE, layers: method === 'wemoe' ? 2 : 1 } },
      1,
      method,
    );
    path = await buildTinyPack(inputs);
    folders = [];
    for (const folder of [path, inputs.models.base, ...NAMES.map((name) => inputs.models.experts[name])])
      folders.push(await openFolder(folder));
    pack = await openPack(folders[0], createSha256);
    const opened = openArchitecture(pack.manifest.architecture.type, pack.manifest.architecture.config);
    model = opened;
    base = await openBase(folders[1], () => layoutOf(opened));
    const origin = base;
    experts = await Promise.all(folders.slice(2).map((folder) => openExpert(folder, origin)));
    predictor = await loadPredictor(pack);
  }, 60_000);

  afterAll(async () => {
    await predictor.release();
    for (const folder of folders) await folder.close();
    await inputs.models.remove();
  });

  const rows = (of: Predictor): readonly PredictorRow[] =>
    NAMES.map((name, e) => ({ ...of.encode(tinyText(name, 70 + e)), mix: Float32Array.from(of.experts, (_, i) => (i === 0 ? 1 : 0)) }));

  /** θ0 + Σ coefficient·τ_t of a parameter. */
  const merged = async (parameter: string, shape: readonly number[], coefficients: readonly number[]): Promise<FloatTensor> => {
    const origin = await base.readFloat(parameter);
    const sum = Float64Array.from(origin.data);
    for (const [t, expert] of experts.entries()) {
      const theta = await readTheta(origin, expert.parameter(parameter), matmulPlain);
      for (let i = 0; i < sum.length; i++) sum[i] += coefficients[t] * (theta[i] - origin.data[i]);
    }
    return floatTensor(shape, Float32Array.from(sum));
  };

  test('each row of a batch is answered by the MLPs that its own gates mix, and by Task Arithmetic elsewhere', async () => {
    const batch = rows(predictor);
    const outputs = await predictor.run(batch);
    const gated = await createNodeSession(await packGraph(pack, NAMES));
    const partOf = new Map(
      bert.parts(model.config).flatMap(({ parameters }, part) => parameters.map((name): [string, number] => [name, part])),
    );
    for (const [i, row] of batch.entries()) {
      const { gates } = await gated.run(encoderFeeds([row]));
      const weights = new Map<string, FloatTensor>();
      for (const { name, shape } of model.parameters) {
        const part = partOf.get(name);
        const coefficients = part === undefined ? [0.3, 0.3, 0.3] : [...floats(gates).subarray(3 * part, 3 * part + 3)];
        weights.set(name, await merged(name, shape, coefficients));
      }
      const plain = await createNodeSession(
        emitPlainGraph(
          bert,
          model.config,
          (name) => weights.get(name) ?? floatTensor([0], new Float32Array()),
          experts.map(({ head }) => head),
        ),
      );
      const { logits } = await plain.run(encoderFeeds([row]));
      await plain.release();
      expect(maxDifference(allLogits(outputs[i], predictor), floats(logits))).toBeLessThan(1e-5);
      const mean = NAMES.map((_, e) => (floats(gates)[e] + floats(gates)[3 + e]) / 2);
      expect(maxDifference(outputs[i].gates ?? [], mean)).toBeLessThan(1e-6);
    }
    await gated.release();
  });

  test('a mix only chooses the head; an origin with few experts answers with all of them', async () => {
    const outputs = await predictor.run(rows(predictor));
    const empty = await predictor.run(rows(predictor).map((row) => ({ ...row, mix: new Float32Array(3) })));
    expect(empty.map((output) => [allLogits(output, predictor), output.features, output.gates])).toEqual(
      outputs.map((output) => [allLogits(output, predictor), output.features, output.gates]),
    );
    const few = await loadPredictor(pack, ['stars']);
    expect(few.gated).toEqual(NAMES);
    const answers = await few.run(rows(few));
    for (const [i, { logits, gates }] of answers.entries()) {
      expect(maxDifference(logits(0), outputs[i].logits(NAMES.indexOf('stars')))).toBeLessThan(1e-6);
      expect(gates).toEqual(outputs[i].gates);
    }
    await few.release();
  });

  test('inspect, predict, eval and export onnx take it', async () => {
    expect((await runCli('inspect', path)).out).toMatch(
      /gates: .* (2 linear layers, one for each layer|1 linear layer, one for all layers) of the model, 96 texts/,
    );
    const predicted = await runCli('predict', path, '--text', tinyText('ships', 9000), '--json');
    const { task, mix, usage } = parseJsonWith(Prediction, predicted.out, 'predict', 'internal');
    const [{ gates = [] }] = await predictor.run([{ ...predictor.encode(tinyText('ships', 9000)), mix: new Float32Array(3) }]);
    expect(task).toBe('ships');
    expect(usage.experts).toBe(3);
    expect(mix).toEqual(NAMES.map((expert, e) => ({ expert, weight: gates[e] })).sort((a, b) => b.weight - a.weight));
    const table = await runCli('eval', path, '--data', inputs.data, '--experts', inputs.models.dir, '--json');
    expect(JSON.parse(table.out)).toMatchObject({ routing_accuracy: 1, tasks: { ships: { rows: 20 } } });
    const out = join(inputs.models.dir, 'onnx');
    expect(await runCli('export', path, out, '--format', 'onnx')).toMatchObject({ code: 0 });
    expect(await readFile(join(out, 'README.md'), 'utf8')).toMatch(/\| gates \| float32 \| \[B, layers, 3\]/);
    const session = await createNodeSession(new Uint8Array(await readFile(join(out, 'model.onnx'))));
    const [row] = rows(predictor);
    const { logits } = await session.run(encoderFeeds([row]));
    expect(maxDifference(allLogits((await predictor.run([row]))[0], predictor), floats(logits))).toBeLessThan(1e-6);
    await session.release();
  });

  test('has no mix to fold and no room for one more expert', async () => {
    const out = join(inputs.models.dir, 'never');
    for (const flags of [['hf'], ['hf', '--mix', '{"ships":1}'], ['peft'], ['onnx', '--mix', '{"ships":1}']])
      expect(await runCli('export', path, out, '--format', ...flags)).toMatchObject({
        code: 1,
        err: expect.stringMatching(/gates weigh experts anew/),
      });
    const added = await runCli('add', path, inputs.models.experts['birds'], '--name', 'more', '--out', out, ...addFlags(inputs));
    expect(added).toMatchObject({
      code: 1,
      err: expect.stringMatching(/expected a pack of twin, got one of \w+, where a new expert changes the gates/),
    });
  });
});

test('the small form has one gate, smaller experts, and both are smaller files', async () => {
  const sizes: number[][] = [];
  for (const method of ['wemoe', 'e_wemoe'] as const) {
    const inputs = await makeTinyInputs(method === 'wemoe' ? { rank: undefined, gate: GATE } : { gate: GATE }, 1, method);
    const { files } = parseJsonWith(Manifest, (await runCli('inspect', await buildTinyPack(inputs), '--json')).out, 'inspect', 'internal');
    sizes.push(['gates.safetensors', 'experts/ships.safetensors'].map((file) => files[file].bytes));
    await inputs.models.remove();
  }
  for (const [i, bytes] of sizes[1].entries()) expect(bytes).toBeLessThan(sizes[0][i]);
});

test.each([
  ['wemoe', { about: 'base' }, /merge_method wemoe no parameters but .*, got about/],
  ['e_wemoe', { shared: { method: 'ada_merging' } }, /merges without learning beside gates, which learn themselves, got ada_merging/],
  ['twin', { gate: {} }, /merge_method twin no parameters but .*, got gate/],
  ['wemoe', { gate: { layers: 3 } }, /layers/],
] as const)('%s refuses %j', async (method, parameters, message) => {
  const { models, config } = await makeTinyInputs(parameters, 1, method);
  expect(await runCli('build', config, '--out', join(models.dir, 'never'))).toMatchObject({ code: 1, err: expect.stringMatching(message) });
  await models.remove();
});
