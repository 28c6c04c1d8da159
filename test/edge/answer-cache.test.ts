import { expect, test } from 'vitest';
import { createAnswerCache } from '../../src/edge/answer-cache.ts';
import type { Dispatch } from '../../src/edge/attempt.ts';
import type { Dispatched } from '../../src/edge/dispatch.ts';
import { ALL, BUNDLE } from './helpers/harness.ts';

const job: Dispatch = {
  bundle: BUNDLE,
  placement: { config: BUNDLE.config, mix: [{ expert: 'sst2', weight: 1 }], heads: ['sst2'] },
  whole: false,
  originRoutes: false,
  row: { id: 'x', text: 'a', textPair: undefined, topK: undefined },
  deadlineMs: 1000,
  regions: [],
};
const given: Dispatched = {
  answer: { mix: job.placement.mix, head: 'sst2', logits: [0, 1, 2], tokens: 3, truncated: false, scores: [] },
  placement: { endpoint: ALL, mix: job.placement.mix, head: 'sst2', covered: 1 },
  receipt: undefined,
  attempts: 1,
};

test('no answer crosses from one tenant or config to another', async () => {
  const cache = createAnswerCache({ bytes: 100_000, seconds: 60 }, () => 0);
  let asked = 0;
  const ask = async (): Promise<Dispatched> => {
    asked += 1;
    return given;
  };
  expect(await cache.through('a', job, ask)).toEqual({ result: given, cached: false });
  expect(await cache.through('b', job, ask)).toMatchObject({ cached: false });
  expect(await cache.through('a', { ...job, bundle: { ...BUNDLE, config: 'f'.repeat(16) } }, ask)).toMatchObject({ cached: false });
  expect(await cache.through('a', { ...job, row: { ...job.row, id: 'y' } }, ask)).toMatchObject({ cached: true });
  expect(asked).toBe(3);
});

test('what a reduced fleet made of a question is not kept', async () => {
  const cache = createAnswerCache({ bytes: 100_000, seconds: 60 }, () => 0);
  const other: Dispatched = { ...given, answer: { ...given.answer, head: 'cola' } };
  for (let i = 0; i < 2; i++) expect(await cache.through('a', job, async () => other)).toMatchObject({ cached: false });
});
