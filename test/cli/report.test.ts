// `twinroute report` on tiny packs: real files and sessions.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MeasuredReport } from '../../src/contract/measured-report.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { runCli } from '../helpers/run-cli.ts';
import { buildTinyPack, makeTinyInputs, type TinyInputs } from '../helpers/tiny-pack.ts';

let inputs: TinyInputs;
let pack: string;
let emr: string;
let emrInputs: TinyInputs;

beforeAll(async () => {
  inputs = await makeTinyInputs();
  pack = await buildTinyPack(inputs);
  emrInputs = await makeTinyInputs({}, 1, 'emr');
  emr = await buildTinyPack(emrInputs, 'masked');
}, 120_000);

afterAll(async () => {
  await inputs.models.remove();
  await emrInputs.models.remove();
});

const at = (name: string): string => join(inputs.models.dir, name);

describe('report', () => {
  test('measures a pack beside its experts and its base, and agrees with eval', async () => {
    const args = [pack, '--data', inputs.data, '--experts', inputs.models.dir];
    const { code, out, err } = await runCli('report', ...args, '--out', at('one'), '--json');
    expect(err).not.toMatch(/twinroute report:/);
    expect(code).toBe(0);
    const report = parseJsonWith(MeasuredReport, out, 'report', 'internal');
    expect(parseJsonWith(MeasuredReport, await readFile(join(at('one'), 'report.json'), 'utf8'), 'report.json', 'internal')).toEqual(
      report,
    );
    const [measured] = report.packs;
    const table: unknown = JSON.parse((await runCli('eval', ...args, '--json')).out);
    const { tasks, normalised, routing } = measured;
    expect(table).toMatchObject({
      config: measured.config,
      routing_accuracy: routing.accuracy,
      tasks: Object.fromEntries(Object.entries(tasks).map(([name, { base: _, standard_error: __, ...line }]) => [name, line])),
      normalised: { routed: normalised.routed?.mean ?? null },
    });
    expect(Object.values(tasks).every(({ base }) => base !== null)).toBe(true);
    expect(routing.confusion).toEqual([
      [20, 0, 0],
      [0, 20, 0],
      [0, 0, 20],
    ]);
    expect(routing.calibration.reduce((sum, { rows }) => sum + rows, 0)).toBe(60);
    expect(measured.latency.p95_ms).toBeGreaterThanOrEqual(measured.latency.p50_ms);
    expect(measured.bytes['total']).toBeGreaterThan(0);
    expect(measured.flops_per_token.all_experts.total).toBeGreaterThan(measured.flops_per_token.one_expert.total);
    expect(Object.keys(measured.kept_energy)).toEqual(['birds', 'ships', 'stars']);
  });

  test('writes the same numbers for people, as one page without scripts', async () => {
    const [text, page, json] = await Promise.all(
      ['report.md', 'report.html', 'report.json'].map((file) => readFile(join(at('one'), file), 'utf8')),
    );
    const { packs } = parseJsonWith(MeasuredReport, json, 'report.json', 'internal');
    for (const { routed, oracle, base } of Object.values(packs[0].tasks))
      for (const score of [routed, oracle, base ?? 0]) {
        expect(text).toContain(score.toFixed(4));
        expect(page).toContain(score.toFixed(4));
      }
    expect(text).toContain(packs[0].latency.p95_ms.toFixed(2));
    expect(page).not.toMatch(/<script|https?:/);
    expect(page).not.toMatch(/NaN|undefined/);
  });

  test('compares packs of different methods, told apart by folder when they share a name', async () => {
    const { code, out } = await runCli('report', pack, emr, '--data', inputs.data, '--limit', '4', '--out', at('two'), '--json');
    expect(code).toBe(0);
    const report = parseJsonWith(MeasuredReport, out, 'report', 'internal');
    expect(report.packs.map(({ label, method }) => [label, method])).toEqual([
      ['pack', 'twin'],
      ['masked', 'emr'],
    ]);
    // Neither checkpoints nor scores of these rows are at hand.
    expect(report.packs[0].normalised).toEqual({ base: null, shared: null, oracle: null, routed: null });
    const page = await readFile(join(at('two'), 'report.html'), 'utf8');
    expect(page).toContain('Packs compared');
    expect(page).toContain('Score against latency');
  });

  test('replaces a report and nothing else', async () => {
    await writeFile(join(at('two'), 'mine.txt'), 'mine');
    const { code, err } = await runCli('report', pack, '--data', inputs.data, '--limit', '1', '--out', at('two'));
    expect(code).toBe(1);
    expect(err).toMatch(/expected an empty folder or one that twinroute made/);
    expect(await readdir(at('two'))).toContain('mine.txt');
    const again = await runCli('report', pack, '--data', inputs.data, '--limit', '2', '--out', at('one'));
    expect(again.code).toBe(0);
    expect(again.out).toMatch(/pack +routed/);
  });

  test.each([
    [['--data', 'x', '--out', 'y'], /expected at least one PACK/],
    [['p', '--out', 'y'], /expected --data/],
    [['p', '--data', 'x'], /expected --out/],
    [['p', '--data', 'x', '--out', 'y', '--split', 'all'], /--split: expected train, validation, test/],
  ])('says what is missing: %j', async (args, message) => {
    const { code, err } = await runCli('report', ...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});
