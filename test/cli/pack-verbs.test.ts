// The verbs that make and read packs, on a tiny pack: real files, real sessions, real HTTP.

import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Prediction } from '../../src/contract/http.ts';
import { Manifest } from '../../src/contract/manifest.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { createRandom } from '../../src/core/random.ts';
import { filesOf } from '../helpers/files-of.ts';
import { runCli } from '../helpers/run-cli.ts';
import { buildTinyPack, makeTinyInputs, TINY_EXPERTS, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';

let inputs: TinyInputs;
let pack: string;

beforeAll(async () => {
  inputs = await makeTinyInputs();
  pack = await buildTinyPack(inputs);
}, 60_000);

afterAll(() => inputs.models.remove());

describe('build', () => {
  test('the same inputs, seed and engine give the same bytes', async () => {
    expect(await filesOf(await buildTinyPack(inputs, 'again'))).toEqual(await filesOf(pack));
  });

  test('leaves nothing half-written: only packs stand beside the inputs', async () => {
    const entries = await readdir(inputs.models.dir);
    expect(entries.filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('refuses to replace a folder that is no pack, and leaves it alone', async () => {
    const { code, err } = await runCli('build', inputs.config, '--out', inputs.data);
    expect(code).toBe(1);
    expect(err).toMatch(/expected an empty folder or one that twinroute made/);
    expect(await readdir(inputs.data)).toContain('tasks.json');
  });

  test('a NaN weight ends the build by name, and no pack appears', async () => {
    const broken = join(inputs.models.dir, 'broken');
    await cp(inputs.models.experts['ships'], broken, { recursive: true });
    const file = join(broken, 'model.safetensors');
    const bytes = await readFile(file);
    bytes.fill(0xff, bytes.length - 8);
    await writeFile(file, bytes);
    const config = join(inputs.models.dir, 'broken.yaml');
    await writeFile(config, (await readFile(inputs.config, 'utf8')).replaceAll(inputs.models.experts['ships'], broken));
    const out = join(inputs.models.dir, 'never');
    const { code, err } = await runCli('build', config, '--out', out, '--engine', 'wasm');
    expect(code).toBe(1);
    expect(err).toMatch(/expected finite values, got NaN/);
    expect(await readdir(inputs.models.dir)).not.toContain('never');
  });
});

describe('build in shards', () => {
  test('--shard and --join make the pack of one machine', async () => {
    const at = (name: string): string => join(inputs.models.dir, name);
    for (const i of [0, 1]) {
      const { code, out } = await runCli('build', inputs.config, '--out', at(`parts/${i}`), '--shard', `${i}/2`, '--engine', 'wasm');
      expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^tiny, config [0-9a-f]{16}: shard [01]\/2, merged: .* MB\n$/) });
    }
    const again = await runCli('build', inputs.config, '--out', at('parts/1'), '--shard', '1/2', '--engine', 'wasm', '--json');
    expect(JSON.parse(again.out)).toMatchObject({ shard: { index: 1, count: 2 }, kind: 'merged', engine: 'wasm', was_there: true });
    // The engine is the parts' own.
    expect((await runCli('build', inputs.config, '--join', at('parts/1'), at('parts/0'), '--out', at('joined'))).code).toBe(0);
    expect(await filesOf(at('joined'))).toEqual(await filesOf(pack));
  });

  test.each([
    [['--shard', '2/2'], /--shard: expected I\/N, I from 0 to N-1/],
    [['--shard', '1'], /--shard: expected I\/N/],
    [['--shard', '0/2', '--join'], /expected one of --shard and --join/],
    [['--shard', '0/2', '--data', 'data'], /--data: expected with --join/],
    [['--join'], /--join: expected CONFIG and PART…, got no PART/],
    [['parts'], /neither --shard nor --join was given/],
  ])('%o is wrong usage', async (args, message) => {
    const { code, err } = await runCli('build', inputs.config, '--out', join(inputs.models.dir, 'never'), ...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});

describe('inspect', () => {
  test('prints the manifest as JSON, and what is inside for people', async () => {
    const { code, out } = await runCli('inspect', pack, '--json');
    expect(code).toBe(0);
    const manifest = parseJsonWith(Manifest, out, 'inspect', 'internal');
    expect(manifest.experts.map(({ name, kind, problem }) => [name, kind, problem])).toEqual([
      ['birds', 'lora', 'classification'],
      ['ships', 'full', 'classification'],
      ['stars', 'lora', 'regression'],
    ]);
    expect(manifest.experts.every(({ tensors }) => tensors.every(({ kind, rank }) => kind !== 'factored' || rank >= 1))).toBe(true);
    const people = await runCli('inspect', pack);
    expect(people.out).toContain(`config ${manifest.config}`);
    expect(people.out).toContain('birds');
  });
});

describe('predict', () => {
  test.each(TINY_EXPERTS.map(({ name }) => name))('answers a text in the manner of %s in the edge’s own form', async (name) => {
    const pair = name === 'stars' ? ['--text-pair', tinyText(name, 9001)] : [];
    const { code, out } = await runCli('predict', pack, '--text', tinyText(name, 9000), ...pair, '--json');
    expect(code).toBe(0);
    const prediction = parseJsonWith(Prediction, out, 'predict', 'internal');
    expect(prediction.task).toBe(name);
    expect(prediction.mix).toEqual([{ expert: name, weight: 1 }]);
  });

  test('takes a task, a mix, and says what is wrong with others', async () => {
    const byMix = await runCli('predict', pack, '--text', 'wing', '--mix', '{"ships": 0.5, "birds": 0.25}', '--json');
    expect(parseJsonWith(Prediction, byMix.out, 'predict', 'internal').mix).toEqual([
      { expert: 'ships', weight: 0.5 },
      { expert: 'birds', weight: 0.25 },
    ]);
    const unknown = await runCli('predict', pack, '--text', 'wing', '--task', 'boats');
    expect(unknown).toMatchObject({ code: 1, out: '' });
    expect(unknown.err).toMatch(/boats/);
  });
});

describe('eval', () => {
  test('prints the design’s table as JSON, with the experts’ own scores when their checkpoints are at hand', async () => {
    const { code, out, err } = await runCli('eval', pack, '--data', inputs.data, '--experts', inputs.models.dir, '--json');
    expect(err).not.toMatch(/twinroute eval:/);
    expect(code).toBe(0);
    const table: unknown = JSON.parse(out);
    expect(table).toMatchObject({
      config: expect.stringMatching(/^[0-9a-f]{16}$/),
      tasks: { birds: { metric: 'accuracy', rows: 20, routed_to_own: 1 } },
      routing_accuracy: 1,
    });
    expect(Object.keys(Object(table))).toEqual(['config', 'tasks', 'normalised', 'routing_accuracy']);
  });

  test('keeps own scores in the manifest when the build had data', async () => {
    const out = join(inputs.models.dir, 'scored');
    expect((await runCli('build', inputs.config, '--out', out, '--engine', 'wasm', '--data', inputs.data)).code).toBe(0);
    const table = await runCli('eval', out, '--data', inputs.data, '--json');
    const limited = await runCli('eval', out, '--data', inputs.data, '--limit', '5', '--json');
    expect(JSON.parse(table.out)).toMatchObject({ tasks: { ships: { individual: expect.any(Number) } } });
    // A score of 20 rows is not held against 5 of them.
    expect(JSON.parse(limited.out)).toMatchObject({ tasks: { ships: { individual: null, rows: 5 } } });
  });
});

describe('a changed pack', () => {
  test('is refused whatever file was changed and wherever', async () => {
    const random = createRandom(4);
    const copy = join(inputs.models.dir, 'changed');
    for (const [name, bytes] of await filesOf(pack)) {
      for (let trial = 0; trial < 3; trial++) {
        await rm(copy, { recursive: true, force: true });
        await cp(pack, copy, { recursive: true });
        const changed = Buffer.from(bytes);
        changed[random.below(changed.length)] ^= 1 + random.below(255);
        await writeFile(join(copy, name), changed);
        const { code, err } = await runCli('inspect', copy);
        expect({ name, code }).toEqual({ name, code: 1 });
        expect(err).toMatch(/twinroute inspect: .*expected/);
      }
    }
  });

  test('is refused when a file is missing', async () => {
    const copy = join(inputs.models.dir, 'missing');
    await cp(pack, copy, { recursive: true });
    await rm(join(copy, 'experts', 'birds.safetensors'));
    const { code, err } = await runCli('inspect', copy);
    expect(code).toBe(1);
    expect(err).toMatch(/expected experts\/birds.safetensors, got no such file/);
  });
});
