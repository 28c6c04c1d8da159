import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { Experiment } from '../../../src/contract/experiments.ts';
import type { LiveExperiment } from '../../../src/edge/experiments/live.ts';
import { createRecorder } from '../../../src/edge/experiments/recorder.ts';
import type { Batch, ExperimentStore, Observation } from '../../../src/edge/experiments/state.ts';
import { experiment } from '../helpers/experiment-harness.ts';

const LIVE: LiveExperiment = {
  experiment: z.parse(Experiment, experiment()),
  design: 'd',
  rule: { key: 'k', hash_version: 2, weights: [0.5, 0.5] },
  standing: { status: 'running', coverage: 1 },
  problem: undefined,
};
const seen = (id: string): Observation => ({ id, tenant: 't', unit: `u-${id}`, arm: 0, answered: undefined });

/** A recorder whose time and state a test commands. */
function scripted() {
  let ids = 0;
  let nowMs = 0;
  let down = false;
  let lost = false;
  const batches: Batch[] = [];
  const wakes: (() => void)[] = [];
  const work: Promise<unknown>[] = [];
  const store: Pick<ExperimentStore, 'record'> = {
    async record(_, batch) {
      if (down) throw new Error('down');
      batches.push(batch);
      if (lost) throw new Error('the answer was lost');
      return { status: 'running', coverage: 1 };
    },
  };
  const unused = (): never => {
    throw new Error('not asked');
  };
  const recorder = createRecorder({
    storeOf: () => ({ ...store, standing: unused, feedback: unused, report: unused, history: unused }),
    keepAlive: (promise) => void work.push(promise),
    newId: () => `batch-${ids++}`,
    now: () => nowMs,
    sleep: () => new Promise((resolve) => wakes.push(resolve)),
    log: () => undefined,
  });
  return {
    recorder,
    batches,
    wakes,
    pass: (ms: number) => void (nowMs += ms),
    down: (value: boolean) => void (down = value),
    lose: (value: boolean) => void (lost = value),
    /** Ends the waits that were begun. */
    async wake() {
      for (const resolve of wakes.splice(0)) resolve();
      await Promise.all(work);
    },
  };
}
const idsOf = ({ observations }: Batch): string[] => observations.map(({ id }) => id);

test('what is seen waits for company, in one wait', async () => {
  const { recorder, batches, wakes, wake } = scripted();
  for (const id of ['a', 'b', 'c']) recorder.observe(LIVE, seen(id));
  recorder.observeShadow(LIVE, 'failed');
  expect(wakes).toHaveLength(1);
  expect(batches).toEqual([]);
  await wake();
  expect(batches.map(idsOf)).toEqual([['a', 'b', 'c']]);
  expect(batches[0].shadows).toEqual(['failed']);
  recorder.observe(LIVE, seen('d'));
  await wake();
  expect(batches.map(idsOf)).toEqual([['a', 'b', 'c'], ['d']]);
});

test('a wait that never ends is begun anew', () => {
  const { recorder, wakes, pass } = scripted();
  recorder.observe(LIVE, seen('a'));
  pass(5_999);
  recorder.observe(LIVE, seen('b'));
  expect(wakes).toHaveLength(1);
  pass(1);
  recorder.observe(LIVE, seen('c'));
  expect(wakes).toHaveLength(2);
});

test('fifty are sent at once', () => {
  const { recorder, batches } = scripted();
  for (let i = 0; i < 120; i++) recorder.observe(LIVE, seen(String(i)));
  expect(batches.map(({ observations }) => observations.length)).toEqual([50, 50]);
});

test('a batch that may have got lost is sent again under its id', async () => {
  const { recorder, batches, down, lose } = scripted();
  down(true);
  recorder.observe(LIVE, seen('a'));
  await recorder.flush();
  recorder.observe(LIVE, seen('b'));
  down(false);
  lose(true);
  await recorder.flush();
  lose(false);
  await recorder.flush();
  expect(batches.map(({ id }) => id)).toEqual(['batch-0', 'batch-0', 'batch-1']);
  await recorder.flush();
  expect(batches).toHaveLength(3);
});

test('while the state is out of reach the latest twenty batches are kept', async () => {
  const { recorder, batches, down } = scripted();
  down(true);
  for (let i = 0; i < 25; i++) {
    recorder.observe(LIVE, seen(String(i)));
    await recorder.flush();
  }
  down(false);
  await recorder.flush();
  expect(batches.flatMap(idsOf)).toEqual(Array.from({ length: 20 }, (_, i) => String(i + 5)));
});
