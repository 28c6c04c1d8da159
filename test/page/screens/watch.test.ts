import { expect, test } from 'vitest';
import type { EndpointsAnswer } from '../../../src/contract/endpoints.ts';
import { createWatch } from '../../../src/page/screens/endpoints/watch.ts';

type Config = EndpointsAnswer['endpoints'][number]['configs'][number];

const config = (state: Config['state'], latency = 10): Config => ({
  config: '0'.repeat(16),
  state,
  in_flight: 2,
  latency_ms: latency,
  p95_ms: null,
  failure_share: 0.25,
});

test('an endpoint is as well as the config that it serves worst, and a change of that is noted when it is seen', () => {
  const watch = createWatch();
  const look = (configs: Config[], atMs: number) => watch.look([{ id: 'eu', experts: '*', configs }], atMs)[0];
  expect(look([config('up'), config('full', 30)], 1)).toMatchObject({
    state: 'full',
    worst: { latencyMs: 30, inFlight: 4, failureShare: 0.25 },
    changedMs: undefined,
  });
  expect(look([config('up'), config('open')], 2)).toMatchObject({ state: 'open', changedMs: 2, latencies: [30, 10] });
  expect(look([config('up'), config('open')], 3)).toMatchObject({ changedMs: 2 });
  for (let i = 0; i < 200; i++) look([config('up')], 10 + i);
  expect(look([config('up')], 300)).toMatchObject({ state: 'up', changedMs: 10 });
  expect(look([config('up')], 301).latencies).toHaveLength(60);
});
