// The diagnosis of tiny models, one for every finding, and of its numbers against dense vectors.

import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../../src/build/diagnose/diagnose.ts';
import { diagnoseConfig } from '../../../src/build/diagnose/diagnose-config.ts';
import { readConfig } from '../../../src/build/read-config.ts';
import { readTheta } from '../../../src/build/theta.ts';
import { dot } from '../../../src/core/linalg/kernels.ts';
import { matmulPlain } from '../../../src/core/linalg/matmul.ts';
import { noProgress } from '../../../src/core/progress.ts';
import { floatTensor, type FloatTensor } from '../../../src/core/tensor.ts';
import { openBase, openExpert } from '../../../src/formats/checkpoint.ts';
import { bytesSource } from '../../../src/formats/memory-source.ts';
import { openSafetensors } from '../../../src/formats/safetensors.ts';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer.ts';
import { openFolder } from '../../../src/host/files.ts';
import { layoutOf, openArchitecture } from '../../../src/model/registry.ts';
import { runCli } from '../../helpers/run-cli.ts';
import { makeTinyModels, type TinyModels } from '../../helpers/tiny-bert.ts';
import { tinyText } from '../../helpers/tiny-pack.ts';

let models: TinyModels;

beforeAll(async () => {
  models = await makeTinyModels({
    experts: [
      { name: 'birds', kind: 'lora' },
      { name: 'stars', kind: 'lora', rank: 3 },
      { name: 'ships', kind: 'full' },
    ],
  });
});

afterAll(() => models.remove());

/** A config over expert folders. */
async function configOf(...experts: string[]): Promise<string> {
  const file = join(models.dir, `${experts.join('-')}.yaml`);
  const examples = async (name: string): Promise<string> => {
    const path = join(models.dir, `${name}.jsonl`);
    await writeFile(path, Array.from({ length: 20 }, (_, i) => `${JSON.stringify({ text: tinyText('birds', i) })}\n`).join(''));
    return path;
  };
  const entries = await Promise.all(experts.map(async (name) => ({ name, model: join(models.dir, name), examples: await examples(name) })));
  await writeFile(file, JSON.stringify({ merge_method: 'twin', base_model: models.base, models: entries, dtype: 'float32' }));
  return file;
}

async function diagnosisOf(...experts: string[]): Promise<Diagnosis> {
  const file = await configOf(...experts);
  return diagnoseConfig(readConfig(await readFile(file, 'utf8'), file), noProgress);
}

/** A copy of an expert with other weights. */
async function variant(
  from: string,
  name: string,
  edit: (tensor: string, data: Float32Array) => Float32Array,
  metadata: Record<string, string> = {},
): Promise<string> {
  const folder = join(models.dir, name);
  await cp(models.experts[from], folder, { recursive: true });
  const file = join(folder, from === 'ships' ? 'model.safetensors' : 'adapter_model.safetensors');
  const weights = await openSafetensors(bytesSource(file, await readFile(file)));
  const edited: Record<string, FloatTensor> = {};
  for (const tensor of weights.names) {
    const { shape, data } = await weights.readFloat(tensor);
    edited[tensor] = floatTensor(shape, edit(tensor, data));
  }
  await writeFile(file, encodeSafetensors(edited, metadata));
  return name;
}

/** Scales what an adapter adds. */
const scaled =
  (factor: number) =>
  (tensor: string, data: Float32Array): Float32Array =>
    tensor.includes('lora_B') ? data.map((value) => factor * value) : data;

async function editJson(file: string, fields: object): Promise<void> {
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...fields }));
}

const codes = ({ findings }: Diagnosis): string[] => findings.map(({ code, experts }) => `${code} ${experts.join(' ')}`);

describe('numbers', () => {
  test('are those of the dense task vectors, adapters and full checkpoints together or apart', async () => {
    const folder = await openFolder(models.base);
    const base = await openBase(folder, (config) => layoutOf(openArchitecture(config.model_type, config)));
    const names = ['birds', 'stars', 'ships'];
    const vectors: Float64Array[] = [];
    for (const name of names) {
      const expert = await openFolder(models.experts[name]);
      const source = await openExpert(expert, base);
      const values: number[] = [];
      for (const { name: parameter } of base.layout.parameters) {
        const theta0 = await base.readFloat(parameter);
        const theta = await readTheta(theta0, source.parameter(parameter), matmulPlain);
        values.push(...theta.map((value, i) => value - theta0.data[i]));
      }
      vectors.push(Float64Array.from(values));
      await expert.close();
    }
    await folder.close();
    const norms = vectors.map((vector) => Math.sqrt(dot(vector, vector)));
    for (const chosen of [['birds', 'stars'], names]) {
      const seen = await diagnosisOf(...chosen);
      chosen.forEach((name, t) => {
        expect(seen.experts[t].norm / norms[names.indexOf(name)]).toBeCloseTo(1, 5);
        chosen.forEach((other, u) => {
          const [a, b] = [names.indexOf(name), names.indexOf(other)];
          expect(seen.cosines[t][u]).toBeCloseTo(dot(vectors[a], vectors[b]) / (norms[a] * norms[b]), 5);
        });
      });
      expect(codes(seen).filter((code) => !code.startsWith('norm_mismatch') && !code.startsWith('far_from_base'))).toEqual([]);
    }
  });
});

describe('findings', () => {
  test('an expert that equals the base', async () => {
    expect(codes(await diagnosisOf('birds', await variant('stars', 'untrained', scaled(0))))).toContain('no_change untrained');
  });

  test('two experts that are one', async () => {
    expect(codes(await diagnosisOf('birds', await variant('birds', 'copy', scaled(1)), 'stars'))).toContain('identical birds copy');
  });

  test('oracle 15: task vectors of unlike length, with weights that even them out', async () => {
    const { findings, normRatio } = await diagnosisOf('birds', await variant('stars', 'loud', scaled(10)));
    expect(normRatio).toBeGreaterThan(3);
    expect(findings.find(({ code }) => code === 'norm_mismatch')).toMatchObject({
      experts: ['loud', 'birds'],
      advice: expect.stringMatching(/\(1\.0 for loud and 8\.0 for birds bring both to the median\)/),
    });
  });

  test('a task vector as long as the base', async () => {
    const found = codes(await diagnosisOf(await variant('birds', 'far', scaled(2)), await variant('stars', 'near', scaled(0.5))));
    expect(found.filter((code) => code.startsWith('far_from_base'))).toEqual(['far_from_base far']);
  });

  test('experts that pull against each other', async () => {
    expect(codes(await diagnosisOf('birds', await variant('birds', 'against', scaled(-1))))).toContain('opposed birds against');
  });

  test('an adapter that names another base than the others', async () => {
    for (const name of ['left', 'right', 'stranger']) {
      await variant('birds', name, scaled(name === 'left' ? 1 : 0.9));
      await editJson(join(models.dir, name, 'adapter_config.json'), {
        base_model_name_or_path: name === 'stranger' ? 'org/large' : 'org/mini',
      });
    }
    expect(codes(await diagnosisOf('left', 'stranger', 'right'))).toContain('other_base stranger');
  });

  test('an adapter that states the hash of another base', async () => {
    const seen = await diagnosisOf('stars', await variant('birds', 'bound', scaled(1), { base_sha256: '0'.repeat(64) }));
    expect(codes(seen)).toContain('other_base bound');
    expect(seen.names).toEqual(['stars']);
  });

  test('another tokenizer', async () => {
    await variant('birds', 'tongues', scaled(1));
    const tokenizer = JSON.parse(await readFile(join(models.base, 'tokenizer.json'), 'utf8'));
    tokenizer.normalizer.lowercase = false;
    await writeFile(join(models.dir, 'tongues', 'tokenizer.json'), JSON.stringify(tokenizer));
    expect(codes(await diagnosisOf('tongues', 'stars'))).toContain('other_tokenizer tongues');
  });

  test('another architecture', async () => {
    await variant('ships', 'wide', (_, data) => data);
    await editJson(join(models.dir, 'wide', 'config.json'), { hidden_size: 32 });
    const seen = await diagnosisOf('birds', 'wide');
    expect(seen.findings[0]).toMatchObject({
      code: 'does_not_fit',
      experts: ['wide'],
      message: expect.stringMatching(/hidden_size should be 16, is 32/),
    });
  });

  test('a folder that is not there', async () => {
    expect(codes(await diagnosisOf('birds', 'nowhere'))).toContain('does_not_fit nowhere');
  });

  test.each([
    ['birds', 'lora_A'],
    ['ships', 'attention.self.key.weight'],
    ['ships', 'classifier.bias'],
  ])('a NaN in %s, %s; the others are diagnosed all the same', async (from, part) => {
    const name = await variant(from, `broken-${part}`, (tensor, data) =>
      tensor.includes(part) ? data.map((value, i) => (i === 1 ? Number.NaN : value)) : data,
    );
    const seen = await diagnosisOf('stars', name);
    expect(codes(seen)).toEqual([`broken_weights ${name}`]);
    expect(seen).toMatchObject({ names: ['stars'], experts: [{ norm: expect.any(Number) }] });
  });
});

describe('the command line', () => {
  test('prints numbers and findings for people and for programs', async () => {
    const config = await configOf('birds', await variant('birds', 'twice', scaled(1)));
    const people = await runCli('diagnose', config);
    expect(people).toMatchObject({ code: 0 });
    expect(people.out).toMatch(/warning: birds and twice are the same model.* Keep one of them/);
    const { code, out } = await runCli('diagnose', config, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      names: ['birds', 'twice'],
      normRatio: 1,
      findings: expect.arrayContaining([expect.objectContaining({ code: 'identical' })]),
    });
  });

  test('a build says what it found and builds all the same', async () => {
    const config = await configOf('stars', await variant('birds', 'strong', scaled(4)));
    const { code, err } = await runCli('build', config, '--out', join(models.dir, 'pack'), '--engine', 'wasm');
    expect({ code, err }).toEqual({ code: 0, err: expect.stringMatching(/warning: task vectors of unlike length: strong/) });
  });
});
