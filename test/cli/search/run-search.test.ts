// The loop of a search over a measurer that computes, so that its promises can be checked many times over.

import { describe, expect, test } from 'vitest';
import { objectivesOf } from '../../../src/cli/search/objectives.ts';
import { runSearch, type SearchDeps } from '../../../src/cli/search/run-search.ts';
import { readSearch } from '../../../src/cli/search/search-file.ts';
import type { Measurement, Trial } from '../../../src/contract/search-config.ts';
import { TwinrouteError } from '../../../src/core/errors.ts';
import { noProgress } from '../../../src/core/progress.ts';

const FILE = readSearch(
  JSON.stringify({
    merge_method: 'twin',
    base_model: 'base',
    models: [{ name: 'a', model: 'x' }],
    search: {
      space: { 'parameters.lambda': [0, 1], 'parameters.rank': { min: 1, max: 32, scale: 'log', integer: true } },
      objectives: ['tasks.a.oracle', 'extra_bytes'],
      budget: 12,
      parallel: 3,
      screening: { candidates: 8, rows: 4 },
    },
  }),
  'x.yaml',
);
const OBJECTIVES = objectivesOf(FILE.search, ['a'], []);
const HEAD = { search: 'id', individual: { full: { a: 1 }, screening: { a: 1 } } };

/** Better with rank and near λ = 0.3; what is measured on few rows is off. */
function measured([lambda, rank]: readonly number[], rows: number | undefined): Measurement {
  return {
    tasks: { a: { oracle: 1 - (lambda - 0.3) ** 2 - 0.5 / rank + (rows === undefined ? 0 : 0.05 * Math.sin(90 * lambda)) } },
    sets: {},
    pack_bytes: 0,
    extra_bytes: 1000 * rank,
  };
}

interface Run {
  readonly known?: readonly Trial[];
  readonly jobs?: number;
  readonly stopAfter?: number;
  readonly measure?: SearchDeps['measurer']['measure'];
}

async function run({
  known = [],
  jobs = 1,
  stopAfter = Infinity,
  measure = (values, rows) => Promise.resolve(measured(values, rows)),
}: Run = {}) {
  const written: Trial[] = [];
  const outcome = await runSearch(FILE, OBJECTIVES, {
    head: HEAD,
    journal: { trials: known, append: (line) => Promise.resolve(void ('trial' in line && written.push(line))) },
    measurer: { jobs, measure },
    progress: noProgress,
    isStopped: () => written.length >= stopAfter,
  });
  return { ...outcome, written };
}

test('stopped after any number of trials and resumed, a search makes the same trials and none twice', async () => {
  const whole = await run();
  expect(whole.complete).toBe(true);
  expect(whole.written).toHaveLength(20);
  for (let stopAfter = 0; stopAfter < 20; stopAfter++) {
    const first = await run({ stopAfter });
    expect(first.complete).toBe(false);
    const rest = await run({ known: first.written });
    expect([...first.written, ...rest.written]).toEqual(whole.written);
    expect(rest.full).toEqual(whole.full);
  }
});

test('how many are measured at a time, and in which order they end, changes nothing', async () => {
  const slow = (values: readonly number[], rows: number | undefined): Promise<Measurement> =>
    new Promise((resolve) => setTimeout(() => resolve(measured(values, rows)), 3 * (values[1] % 4)));
  const { written: _ended, ...outcome } = await run({ jobs: 3, measure: slow });
  const { written: _alone, ...alone } = await run();
  expect(outcome).toEqual(alone);
});

test('the initial configs are the best of the screened ones', async () => {
  const { screening, full } = await run();
  const screened = screening.map(({ values }) => values.join());
  for (const { values } of full.slice(0, 6)) expect(screened).toContain(values.join());
});

describe('failures', () => {
  const failing =
    (code: 'numeric' | 'format') =>
    (values: readonly number[], rows: number | undefined): Promise<Measurement> =>
      values[0] > 0.5 ? Promise.reject(new TwinrouteError(code, 'weights beyond half precision')) : Promise.resolve(measured(values, rows));

  test('a config without a merge is written down, told of, and not tried again', async () => {
    const { full, screening, written } = await run({ measure: failing('numeric') });
    const failed = written.filter(({ error }) => error !== undefined);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every(({ values: [lambda] }) => lambda > 0.5)).toBe(true);
    expect(new Set(full.map(({ values }) => values.join())).size).toBe(full.length);
    expect(screening).toHaveLength(8);
  });

  test('any other failure ends the search, and what was measured stays', async () => {
    await expect(run({ measure: failing('format') })).rejects.toThrow(/half precision/);
  });

  test('a search without any merge says why', async () => {
    await expect(run({ measure: () => Promise.reject(new TwinrouteError('numeric', 'NaN in w')) })).rejects.toThrow(
      /expected a config that can be merged.*NaN in w|got none/,
    );
  });

  test('a journal of other trials is refused', async () => {
    const { written } = await run({ stopAfter: 3 });
    const known = written.map((trial) => ({ ...trial, values: [0.123, 4] }));
    await expect(run({ known })).rejects.toThrow(/expected .* as screening trial 0 of the journal, got 0.123, 4/);
  });
});
