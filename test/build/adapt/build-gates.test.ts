// Gates learnt for tiny packs: entropy that falls, builds that are killed and go on, bytes that follow from the seed.

import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPack } from '../../../src/build/build-pack.ts';
import type { Engine } from '../../../src/build/engine/engine.ts';
import { selectEngine } from '../../../src/build/engine/select.ts';
import { planBuild } from '../../../src/build/plan.ts';
import { noProgress, type Progress } from '../../../src/core/progress.ts';
import type { Manifest } from '../../../src/contract/manifest.ts';
import { makeTinyInputs, type TinyInputs } from '../../helpers/tiny-pack.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await selectEngine('wasm', { log: () => undefined });
});

afterAll(() => engine.dispose());

async function build({ config, models }: TinyInputs, name: string, progress: Progress = noProgress): Promise<Manifest> {
  const plan = await planBuild(config);
  try {
    await mkdir(join(models.dir, 'out'), { recursive: true });
    return await buildPack(plan, join(models.dir, 'out', name), { engine, progress, producer: 'test' });
  } finally {
    await plan.close();
  }
}

describe.each(['wemoe', 'e_wemoe'] as const)('the gates of %s', (method) => {
  let inputs: TinyInputs;

  beforeAll(async () => {
    inputs = await makeTinyInputs(
      { gate: { layers: method === 'wemoe' ? 2 : 1, steps: 25, rate: 0.01, batch: 2, diversity: 0 } },
      1,
      method,
    );
  });

  afterAll(() => inputs.models.remove());

  test('lower the entropy of held-back texts, and leave nothing on the engine', async () => {
    const before = engine.tf.memory().numTensors;
    const { gates } = await build(inputs, 'a');
    expect(engine.tf.memory().numTensors).toBe(before);
    expect(gates).toMatchObject({
      layers: method === 'wemoe' ? 2 : 1,
      per: method === 'wemoe' ? 'part' : 'model',
      rows: { train: 96, held_back: 24 },
    });
    expect(gates?.loss.kept).toBeLessThan(0.97 * (gates?.loss.start ?? 0));
  });

  test('are the same after a build that was killed and went on, which leaves no checkpoint', async () => {
    const whole = await build(inputs, 'whole');
    const killed: Progress = ({ stage, done }) => {
      if (stage === 'adapt' && done === 21) throw new Error('killed');
    };
    await expect(build(inputs, 'cut', killed)).rejects.toThrow('killed');
    expect((await readdir(join(inputs.models.dir, 'out'))).some((file) => file.startsWith('.cut'))).toBe(true);
    const steps: number[] = [];
    const resumed = await build(
      inputs,
      'cut',
      ({ stage, done, note }) => stage === 'adapt' && note?.startsWith('entropy') === true && steps.push(done),
    );
    expect(Math.min(...steps)).toBe(20);
    expect(resumed.gates).toEqual(whole.gates);
    expect(resumed.files).toEqual(whole.files);
    expect((await readdir(join(inputs.models.dir, 'out'))).filter((file) => file.startsWith('.'))).toEqual([]);
  });

  test('follow from the seed', async () => {
    const other = await makeTinyInputs({ seed: 5, gate: { steps: 3, rate: 0.01, batch: 2 } }, 1, method);
    const [first, second] = [await build(other, 'a'), await build(other, 'b')];
    expect(second.files).toEqual(first.files);
    expect(first.files['gates.safetensors'].sha256).not.toBe((await build(inputs, 'a')).files['gates.safetensors'].sha256);
    await other.models.remove();
  });
});

test('without texts of any classifier there is nothing to learn from', async () => {
  const inputs = await makeTinyInputs({}, 1, 'wemoe');
  const plan = await planBuild(inputs.config);
  const experts = plan.experts.map((expert) => ({ ...expert, examples: [] }));
  const deps = { engine, progress: noProgress, producer: 'test' };
  await expect(buildPack({ ...plan, experts }, join(inputs.models.dir, 'never'), deps)).rejects.toMatchObject({ code: 'config' });
  await plan.close();
  await inputs.models.remove();
});
