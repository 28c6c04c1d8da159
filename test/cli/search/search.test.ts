// `twinroute search` on tiny experts: real merges, real sessions, real processes.

import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../../src/cli/main.ts';
import { Trial } from '../../../src/contract/search-config.ts';
import { parseJsonWith } from '../../../src/contract/parse.ts';
import { runCli } from '../../helpers/run-cli.ts';
import { makeTinyInputs, TINY_EXPERTS, type TinyInputs } from '../../helpers/tiny-pack.ts';

let inputs: TinyInputs;

beforeAll(async () => {
  inputs = await makeTinyInputs();
  for (const { name } of TINY_EXPERTS)
    await cp(join(inputs.data, 'tasks', name, 'test.jsonl'), join(inputs.data, 'tasks', name, 'validation.jsonl'));
});
afterAll(() => inputs.models.remove());

const SEARCH = {
  space: { 'parameters.lambda': [0, 1], 'parameters.rank': { min: 1, max: 6, scale: 'log', integer: true } },
  objectives: ['normalised.oracle', 'extra_bytes'],
  budget: 8,
  initial: 4,
  parallel: 2,
  seed: 5,
};

async function writeSearch(name: string, search: object, changes: object = {}): Promise<string> {
  const config: object = JSON.parse(await readFile(inputs.config, 'utf8'));
  const file = join(inputs.models.dir, `${name}.yaml`);
  await writeFile(file, JSON.stringify({ ...config, ...changes, search }));
  return file;
}

/** A command line that is interrupted once `trials` lines are in the journal's progress; never when undefined. */
async function runSearch(file: string, out: string, { interruptAfter, args = [] }: { interruptAfter?: number; args?: string[] } = {}) {
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  let text = '';
  let err = '';
  const journal = join(out, 'trials.jsonl');
  const watch = setInterval(() => {
    if (interruptAfter === undefined) return;
    readFile(journal, 'utf8').then(
      (lines) => void (lines.split('\n').length - 2 >= interruptAfter && stop()),
      () => undefined,
    );
  }, 5);
  const code = await main(['search', file, '--data', inputs.data, '--out', out, '--engine', 'wasm', '--json', ...args], {
    stdout: { write: (chunk) => (text += chunk) },
    stderr: { write: (chunk) => (err += chunk) },
    env: {},
    stopped: () => stopped,
  });
  clearInterval(watch);
  if (code !== 0) throw new Error(err);
  return JSON.parse(text);
}

async function trialsOf(out: string): Promise<Trial[]> {
  const lines = (await readFile(join(out, 'trials.jsonl'), 'utf8')).trim().split('\n').slice(1);
  const trials = lines.map((line) => parseJsonWith(Trial, line, 'trials.jsonl', 'format'));
  return trials.sort((a, b) => a.stage.localeCompare(b.stage) || a.trial - b.trial);
}

const at = (name: string): string => join(inputs.models.dir, name);

describe('a search', () => {
  let file: string;
  let record: {
    complete: boolean;
    trials: number;
    front: { config: string; objectives: Record<string, number>; values: Record<string, number> }[];
  };

  beforeAll(async () => {
    file = await writeSearch('search', SEARCH);
    record = await runSearch(file, at('whole'));
  }, 60_000);

  test('uses its budget on unlike configs and leaves a front of configs that build, and score what was measured', async () => {
    expect(record).toMatchObject({ complete: true, trials: 8 });
    expect(new Set((await trialsOf(at('whole'))).map(({ values }) => values.join())).size).toBe(8);
    expect(await readdir(join(at('whole'), 'front'))).toHaveLength(record.front.length);
    const [best] = record.front;
    const pack = at('best');
    expect((await runCli('build', join(at('whole'), best.config), '--out', pack, '--engine', 'wasm')).code).toBe(0);
    const files: Record<string, { bytes: number }> = JSON.parse((await runCli('inspect', pack, '--json')).out).files;
    const experts = Object.entries(files).filter(([name]) => name.startsWith('experts/'));
    expect(experts.reduce((sum, [, { bytes }]) => sum + bytes, 0)).toBe(best.objectives['extra_bytes']);
    const table = JSON.parse(
      (await runCli('eval', pack, '--data', inputs.data, '--split', 'validation', '--experts', inputs.models.dir, '--json')).out,
    );
    expect(table.normalised.oracle).toBeCloseTo(best.objectives['normalised.oracle'], 6);
  });

  test('says which config is where, in Markdown and in a page without scripts', async () => {
    const page = await readFile(join(at('whole'), 'front.html'), 'utf8');
    const text = await readFile(join(at('whole'), 'front.md'), 'utf8');
    expect(page).toContain('<svg viewBox');
    expect(page).toContain('color-scheme: light dark');
    expect(page).not.toMatch(/<script|https?:/);
    expect(page.match(/class="front"/g)).toHaveLength(record.front.length);
    for (const { values } of record.front) expect(text).toContain(`| ${values['parameters.lambda']} | ${values['parameters.rank']} |`);
  });

  test('run again measures nothing and says the same', async () => {
    const before = await readFile(join(at('whole'), 'trials.jsonl'));
    expect(await runSearch(file, at('whole'))).toEqual(record);
    expect(await readFile(join(at('whole'), 'trials.jsonl'))).toEqual(before);
  });

  test('interrupted, torn and resumed tries the same configs with the same results', async () => {
    const out = at('resumed');
    const first = await runSearch(file, out, { interruptAfter: 3 });
    expect(first.complete).toBe(false);
    expect(first.trials).toBeLessThan(8);
    const journal = join(out, 'trials.jsonl');
    const bytes = await readFile(journal);
    await writeFile(journal, bytes.subarray(0, bytes.length - 9));
    expect(await runSearch(file, out)).toEqual(record);
    expect(await trialsOf(out)).toEqual(await trialsOf(at('whole')));
  });

  test('two of them do not write to one folder; one that was killed leaves it free', async () => {
    const out = at('locked');
    const both = await Promise.allSettled([runSearch(file, out), runSearch(file, out)]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = both.find((one) => one.status === 'rejected');
    expect(String(refused?.reason)).toMatch(/expected to be the only one there, got a lock of process \d+/);
    expect(await readdir(out)).not.toContain('search.lock');
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    await writeFile(join(out, 'search.lock'), JSON.stringify({ pid: gone, host: hostname(), since: 'then' }));
    expect(await runSearch(file, out)).toEqual(record);
  });

  test('in two processes too', async () => {
    expect(await runSearch(file, at('parallel'), { args: ['--jobs', '2'] })).toEqual(record);
    expect(await trialsOf(at('parallel'))).toEqual(await trialsOf(at('whole')));
  });

  test('goes on when the budget is raised, and not when anything else is changed', async () => {
    const out = at('raised');
    await cp(at('whole'), out, { recursive: true });
    const raised = await runSearch(await writeSearch('raised', { ...SEARCH, budget: 9 }, { name: 'search' }), out).catch(
      (error: unknown) => error,
    );
    // Another file gives another name to the pack, and so is another search: the file is part of what a trial is.
    expect(String(raised)).toMatch(/choose another --out/);
    const before = await readFile(file, 'utf8');
    await writeSearch('search', { ...SEARCH, budget: 9 });
    expect((await runSearch(file, out)).trials).toBe(9);
    expect((await trialsOf(out)).slice(0, 8)).toEqual(await trialsOf(at('whole')));
    await writeSearch('search', { ...SEARCH, seed: 6 });
    await expect(runSearch(file, out)).rejects.toThrow(/expected the journal of search/);
    await writeFile(file, before);
  });
});

describe('what can be searched', () => {
  test('screening, constraints, a set of other data, routed scores, the worst task, latency', async () => {
    const safety = at('safety');
    await mkdir(join(safety, 'tasks'), { recursive: true });
    await cp(join(inputs.data, 'tasks', 'ships'), join(safety, 'tasks', 'harm'), { recursive: true });
    await writeFile(join(safety, 'tasks.json'), JSON.stringify({ harm: { labels: ['no', 'yes'], metric: 'accuracy' } }));
    const file = await writeSearch('rich', {
      space: { 'parameters.lambda': [0, 1], 'models.ships.parameters.weight': [0, 2] },
      objectives: ['worst.routed', 'sets.safe.shared', 'latency_ms'],
      constraints: [
        { metric: 'extra_bytes', max: 1e9 },
        { metric: 'tasks.birds.oracle', min: 0 },
      ],
      sets: { safe: { data: safety, task: 'harm', expert: 'ships' } },
      budget: 5,
      initial: 3,
      screening: { candidates: 6, rows: 8 },
    });
    const record = await runSearch(file, at('rich'), { args: ['--limit', '16'] });
    expect(record).toMatchObject({ complete: true, trials: 5, screened: 6 });
    const trials = await trialsOf(at('rich'));
    const screened = trials.filter(({ stage }) => stage === 'screening').map(({ values }) => values.join());
    for (const { values } of trials.filter(({ stage, trial }) => stage === 'full' && trial < 3)) expect(screened).toContain(values.join());
    for (const { measurement } of trials)
      expect(measurement).toMatchObject({
        tasks: { birds: { routed: expect.any(Number), oracle: expect.any(Number) } },
        sets: { safe: { shared: expect.any(Number) } },
        latency_ms: expect.any(Number),
      });
  });

  test('a static merge by the score of the merged model', async () => {
    const models = Object.values(inputs.models.experts).map((model) => ({ model }));
    const file = await writeSearch(
      'static',
      { space: { 'parameters.density': [0.2, 1] }, objectives: ['normalised.shared'], budget: 3, initial: 2 },
      { merge_method: 'ties', models, parameters: { weight: 1 } },
    );
    const record = await runSearch(file, at('static'));
    expect(record).toMatchObject({ complete: true, trials: 3 });
    // Heads alone come on top of a static merge: nobody has asked for modules.
    for (const { measurement } of await trialsOf(at('static'))) expect(measurement?.extra_bytes).toBeLessThan(4000);
    expect(await readFile(join(at('static'), record.front[0].config), 'utf8')).toMatch(/merge_method: ties[^]*density: /);
  });
});
