import { expect, test } from 'vitest';
import { CONFIG, createHarness } from '../helpers/harness.ts';
import { createPaidHarness } from '../accounts/harness.ts';
import { createExperimentHarness, experiment } from '../helpers/experiment-harness.ts';
import { watch } from './harness.ts';

const TEXT = { text: 'A film.' };

test('a request is one point; its columns are a contract', async () => {
  const watched = watch();
  const { customer } = createPaidHarness({ observation: watched.observation });
  const { id, predict } = await customer();
  watched.points.length = 0;
  const { headers } = await predict({ inputs: [TEXT, TEXT] }, { 'x-request-id': 'r-1' });
  expect(watched.points).toEqual([
    {
      indexes: [id],
      blobs: ['/v1/predict', 'POST', '', CONFIG, 'all', '', '', '', 'r-1', headers.get('traceresponse')?.split('-')[1]],
      doubles: [200, expect.any(Number), expect.any(Number), expect.any(Number), 2, 2, 14, 4, 0, 0, 32],
    },
  ]);
});

test('failures have their code, shed requests theirs, arms their names', async () => {
  const definition = experiment();
  const watched = watch();
  const { ask, post } = await createExperimentHarness([definition], { observation: watched.observation, upstream: { in_flight: 1 } });
  const answered = await ask('a');
  await post('/v1/predict', { text: 7 });
  await Promise.all([post('/v1/predict', TEXT), post('/v1/predict', TEXT)]);
  const told = watched.points.map(({ blobs = [] }) => JSON.stringify([blobs[2], blobs[5], blobs[6]]));
  expect(told.toSorted((a, b) => a.localeCompare(b))).toEqual(
    [
      ['', '', ''],
      ['', definition.key, answered.experiment?.arm],
      ['invalid_request', '', ''],
      ['shed', '', ''],
    ]
      .map((columns) => JSON.stringify(columns))
      .toSorted((a, b) => a.localeCompare(b)),
  );
});

test('points keep to the limits of Analytics Engine', async () => {
  const watched = watch();
  const { post } = createHarness({ observation: watched.observation });
  await post('/v1/predict', TEXT, { 'x-request-id': 'x'.repeat(100) });
  const [{ indexes = [], blobs = [], doubles = [] }] = watched.points;
  expect(indexes).toEqual(['public']);
  expect(blobs.length).toBeLessThanOrEqual(20);
  expect(doubles.length).toBeLessThanOrEqual(20);
  expect(doubles.every((value) => Number.isFinite(value))).toBe(true);
});
