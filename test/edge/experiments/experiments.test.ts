import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { ErrorBody, PredictBatch } from '../../../src/contract/http.ts';
import { assign } from '../../../src/core/experiment/assign.ts';
import { createExperimentHarness, experiment } from '../helpers/experiment-harness.ts';
import { answer, CONFIG, configOf, hang, OTHER_CONFIG, type OriginCall } from '../helpers/harness.ts';

const CONFIGS = [CONFIG, OTHER_CONFIG];
const users = Array.from({ length: 60 }, (_, i) => `user-${i}-ü`);
const failing = (call: OriginCall): Response | undefined =>
  configOf(call) === OTHER_CONFIG ? new Response('{}', { status: 500 }) : undefined;

describe('assignment', () => {
  test('gives each user one config again and again, that of the pure function, and the default to the others', async () => {
    const definition = experiment({ coverage: 0.6, namespace: { name: 'all', range: [0, 0.9] } });
    const { ask, calls } = await createExperimentHarness([definition]);
    const rule = {
      ...definition,
      hash_version: 2,
      weights: [0.5, 0.5],
      coverage: 0.6,
      namespace: { name: 'all', range: [0, 0.9] },
    } as const;
    const arms = new Set<unknown>();
    for (const user of users) {
      const arm = assign(rule, user);
      const first = await ask(user);
      const again = await ask(user);
      expect(first.config).toBe(typeof arm === 'number' ? CONFIGS[arm] : CONFIG);
      expect(again.config).toBe(first.config);
      expect(first.experiment).toEqual(typeof arm === 'number' ? { key: definition.key, arm: ['old', 'new'][arm] } : undefined);
      expect(configOf(calls[calls.length - 1])).toBe(first.config);
      arms.add(arm);
    }
    expect(arms).toEqual(new Set([0, 1, 'out']));
  });

  test('leaves alone who names no user, names a config, or is in no experiment', async () => {
    const { ask, post } = await createExperimentHarness([
      experiment({
        arms: [
          { name: 'a', config: OTHER_CONFIG, weight: 1 },
          { name: 'b', config: OTHER_CONFIG, weight: 0 },
        ],
      }),
    ]);
    expect((await ask('ada')).config).toBe(OTHER_CONFIG);
    for (const answered of [await ask(undefined), await ask('ada', { config: CONFIG })]) {
      expect(answered.config).toBe(CONFIG);
      expect(answered.experiment).toBeUndefined();
    }
    for (const user of ['', 'x'.repeat(201)]) expect((await post('/v1/predict', { text: 'a', user })).status).toBe(400);
  });

  test('goes by the first experiment that takes the user, and by each input of a batch', async () => {
    const first = experiment({ namespace: { name: 'halves', range: [0, 0.5] } });
    const second = experiment({ namespace: { name: 'halves', range: [0.5, 1] } });
    const { post } = await createExperimentHarness([first, second]);
    const { body } = await post('/v1/predict', { inputs: users.slice(0, 40).map((user) => ({ text: 'a', user })) });
    const { predictions } = z.parse(PredictBatch, body);
    const keys = predictions.map((prediction) => ('error' in prediction ? undefined : prediction.experiment?.key));
    expect(new Set(keys)).toEqual(new Set([first.key, second.key]));
  });

  test('names an arm by header only where the experiment allows it, and does not count that', async () => {
    const open = experiment({ allow_forced: true });
    const closed = experiment();
    const { ask, post, report } = await createExperimentHarness([closed, open]);
    const forced = await ask(undefined, {}, { 'x-twinroute-arm': `${open.key}=new` });
    expect(forced).toMatchObject({ config: OTHER_CONFIG, experiment: { key: open.key, arm: 'new', forced: true } });
    for (const value of [`${closed.key}=new`, `${open.key}=newer`, 'new', `${open.key}=`, '=']) {
      const refused = await post('/v1/predict', { text: 'a' }, { 'x-twinroute-arm': value });
      expect(refused).toMatchObject({ status: 400, body: { error: { code: 'invalid_request', param: 'x-twinroute-arm' } } });
    }
    expect((await report(open.key)).arms.map(({ units }) => units)).toEqual([0, 0]);
  });

  test('a stopped experiment enrols nobody, a rolled-back one gives everyone the first arm', async () => {
    for (const [status, config] of [
      ['stopped', CONFIG],
      ['rolled_back', OTHER_CONFIG],
    ]) {
      const arms = [
        { name: 'a', config: OTHER_CONFIG, weight: 0.5 },
        { name: 'b', config: CONFIG, weight: 0.5 },
      ];
      const definition = experiment({ status, arms });
      const { ask, report } = await createExperimentHarness([definition]);
      for (const user of users.slice(0, 10)) expect((await ask(user)).config).toBe(config);
      expect((await report(definition.key)).arms.map(({ units }) => units)).toEqual([0, 0]);
    }
  });

  test('an experiment with a config that is not deployed enrols nobody, and the list says why', async () => {
    const arms = [
      { name: 'a', config: '00000000000000aa', weight: 0.5 },
      { name: 'b', config: OTHER_CONFIG, weight: 0.5 },
    ];
    const { ask, list } = await createExperimentHarness([experiment({ arms })]);
    expect((await ask('ada')).experiment).toBeUndefined();
    expect((await list())[0].problem).toBe('config 00000000000000aa of arm a is not deployed');
  });
});

describe('counting', () => {
  test('an exposure is a request whose config the origin confirmed', async () => {
    const definition = experiment();
    const { ask, post, report } = await createExperimentHarness([definition], {
      origin: (call) => (configOf(call) === OTHER_CONFIG ? withVersion(call, undefined) : undefined),
    });
    let answered = 0;
    for (const user of users.slice(0, 20)) if ((await post('/v1/predict', { text: 'a', user })).status === 200) answered += 1;
    const { arms } = await report(definition.key);
    expect(arms[0]).toMatchObject({ exposures: answered, failures: 0 });
    expect(arms[1]).toMatchObject({ exposures: 0, failures: 20 - answered });
    expect(answered).toBeGreaterThan(3);
    expect((await ask(undefined)).config).toBe(CONFIG);
  });

  test('a deadline that the caller set and missed counts nowhere, one of ours counts', async () => {
    const hanging = { origin: (_: OriginCall, __: number, signal: AbortSignal) => hang(signal), attemptMs: 50, upstream: { attempts: 1 } };
    const definition = experiment();
    const { post, report } = await createExperimentHarness([definition], hanging);
    const ask = async (user: string, headers: Record<string, string>) => (await post('/v1/predict', { text: 'a', user }, headers)).status;
    expect(await ask('ada', { 'x-request-timeout-ms': '20' })).toBe(504);
    expect((await report(definition.key)).arms.map(({ units }) => units)).toEqual([0, 0]);
    expect(await ask('ada', {})).toBe(504);
    const { arms } = await report(definition.key);
    expect(arms[0].failures + arms[1].failures).toBe(1);
  });

  test('a caller’s mistake counts nowhere', async () => {
    const definition = experiment();
    const { post, report } = await createExperimentHarness([definition]);
    expect((await post('/v1/predict', { text: 'a', user: 'ada', task: 'boats' })).status).toBe(404);
    expect((await report(definition.key)).arms.map(({ units }) => units)).toEqual([0, 0]);
  });

  test('held-back users are counted on the default config', async () => {
    const definition = experiment({ holdout: { name: 'year', share: 0.4 } });
    const { ask, report } = await createExperimentHarness([definition]);
    let held = 0;
    for (const user of users) if ((await ask(user)).experiment === undefined) held += 1;
    const { holdout, arms } = await report(definition.key);
    expect(holdout).toMatchObject({ units: held, exposures: held });
    expect(arms[0].units + arms[1].units).toBe(users.length - held);
    expect(held).toBeGreaterThan(10);
  });

  test('what was seen is sent after two seconds without being asked for', async () => {
    const definition = experiment();
    const { ask, list } = await createExperimentHarness([definition]);
    await ask('ada');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const [{ design }] = await list();
    const state = env.EXPERIMENT_STATES.getByName(design);
    const { arms } = await state.report(
      { ...definition, hash_version: 2, unit: 'user', coverage: 1, allow_forced: false, guardrails: [], status: 'running' },
      design,
    );
    expect(arms[0].units + arms[1].units).toBe(1);
  });
});

describe('guardrails', () => {
  test('a config that fails is rolled back, and the edge follows within 30 seconds', async () => {
    const definition = experiment({ guardrails: [{ metric: 'error', margin: 0.02, min_samples: 30 }] });
    const { ask, post, pass, settle, report } = await createExperimentHarness([definition], { origin: failing });
    const outcomes = new Set<number>();
    for (const user of users) outcomes.add((await post('/v1/predict', { text: 'a', user })).status);
    for (const user of users) outcomes.add((await post('/v1/predict', { text: 'a', user: `${user}-again` })).status);
    expect(outcomes).toContain(200);
    expect(outcomes).toContain(502);
    const { status, audit, arms } = await report(definition.key);
    // The same endpoint goes on answering the other arm.
    expect(arms).toMatchObject([{ failures: 0 }, { exposures: 0 }]);
    expect(status).toBe('rolled_back');
    expect(audit.at(-1)).toMatchObject({ event: 'rollback', reason: expect.stringMatching(/^error of new is above its limit by 0\.98/) });
    // In the background from 10 s on, before use from 25 s on.
    pass(26_000);
    for (const user of users) expect((await ask(user)).experiment).toEqual({ key: definition.key, arm: 'old' });
    await settle();
  });
});

describe('shadow', () => {
  const shadow = { config: OTHER_CONFIG, share: 1 };
  const arms = [
    { name: 'a', config: CONFIG, weight: 0.5 },
    { name: 'b', config: CONFIG, weight: 0.5 },
  ];

  test('runs unseen beside the answer, and is compared with it', async () => {
    const definition = experiment({ shadow, arms });
    const { ask, settle, report, calls } = await createExperimentHarness([definition], {
      origin: (call) =>
        configOf(call) === OTHER_CONFIG ? answer(call, { logits: { datatype: 'FP32', shape: [1, 3], data: [9, 0, 0] } }) : undefined,
    });
    for (let i = 0; i < 4; i++) {
      const answered = await ask(`u${i}`);
      expect(answered).toMatchObject({ config: CONFIG, label: 'positive' });
      await settle();
    }
    expect(calls.map(configOf).filter((config) => config === OTHER_CONFIG)).toHaveLength(4);
    const { shadow: seen } = await report(definition.key);
    expect(seen).toMatchObject({ config: OTHER_CONFIG, answered: 4, failures: 0, agreement: 0 });
    expect(seen?.distance).toBeGreaterThan(0.8);
  });

  test('neither delays nor fails the answer, nor spoils an endpoint’s name', async () => {
    const definition = experiment({ shadow, arms });
    const { ask, settle, app, report } = await createExperimentHarness([definition], {
      origin: (call, attempt, signal) =>
        configOf(call) === CONFIG
          ? undefined
          : attempt < 6
            ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
            : failing(call),
      attemptMs: 300,
    });
    for (let i = 0; i < 8; i++) {
      const startedAt = Date.now();
      expect((await ask(`u${i}`)).config).toBe(CONFIG);
      expect(Date.now() - startedAt).toBeLessThan(250);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await settle();
    expect(await (await app.request('/health')).json()).toMatchObject({ status: 'ok', endpoints: [{ up: true }] });
    // At most two at once; the rest was left out.
    const { shadow: seen, arms: measured } = await report(definition.key);
    expect(seen?.answered).toBe(0);
    expect(seen?.failures).toBeGreaterThanOrEqual(1);
    expect(measured.map(({ failures }) => failures)).toEqual([0, 0]);
  });
});

describe('feedback', () => {
  test('is tied to the answer, even to one of a moment ago', async () => {
    const definition = experiment();
    const { ask, post, report } = await createExperimentHarness([experiment({ status: 'stopped' }), definition]);
    const { id, experiment: enrolled } = await ask('ada');
    const told = { request_id: id, outcome: true };
    expect(await post('/v1/feedback', told)).toMatchObject({
      status: 200,
      body: { request_id: id, name: 'default', experiment: definition.key, arm: enrolled?.arm, recorded: true },
    });
    expect((await post('/v1/feedback', { ...told, outcome: false })).body).toMatchObject({ recorded: false });
    expect((await post('/v1/feedback', { ...told, name: 'stars', outcome: 4.5 })).body).toMatchObject({ recorded: true });
    const arm = (await report(definition.key)).arms.find(({ name }) => name === enrolled?.arm);
    expect(arm?.metrics).toMatchObject({ 'outcome.default': { samples: 1, estimate: 1 }, 'outcome.stars': { samples: 1, estimate: 4.5 } });
  });

  test('about a request that is not known is refused, with a time to try again', async () => {
    const { ask, post } = await createExperimentHarness([experiment({ coverage: 0 })]);
    const { id } = await ask('ada');
    for (const request_id of [id, 'never-seen']) {
      const { status, headers, body } = await post('/v1/feedback', { request_id, outcome: 1 });
      expect({ status, after: headers.get('retry-after'), code: z.parse(ErrorBody, body).error.code }).toEqual({
        status: 404,
        after: '5',
        code: 'not_found',
      });
    }
  });

  test.each([
    {},
    { request_id: 'a b', outcome: 1 },
    { request_id: 'a', outcome: 'good' },
    { request_id: 'a', outcome: 1e12 },
    { request_id: 'a', outcome: 1, name: 'ü' },
  ])('refuses %j', async (body) => {
    const { post } = await createExperimentHarness([experiment()]);
    expect((await post('/v1/feedback', body)).status).toBe(400);
  });
});

describe('trouble', () => {
  test('a publication that is no JSON, or no experiments, leaves the last ones in force', async () => {
    const definition = experiment({
      arms: [
        { name: 'a', config: OTHER_CONFIG, weight: 1 },
        { name: 'b', config: CONFIG, weight: 0 },
      ],
    });
    const { ask, pass, publish, logged } = await createExperimentHarness([definition]);
    expect((await ask('ada')).config).toBe(OTHER_CONFIG);
    for (const bad of ['{', '{"experiments": [{}]}']) {
      await publish(bad);
      pass(60_000);
      expect((await ask('ada')).config).toBe(OTHER_CONFIG);
    }
    expect(logged.map(({ message }) => message.slice(0, 40))).toHaveLength(2);
    await publish([]);
    pass(60_000);
    expect((await ask('ada')).config).toBe(CONFIG);
  });

  test('without a first publication that can be read, requests are answered by the default config', async () => {
    const { ask, publish, pass } = await createExperimentHarness([]);
    await publish('nonsense');
    pass(60_000);
    expect((await ask('ada')).config).toBe(CONFIG);
  });

  test('without their state, requests are answered, and what was seen is sent once it is back', async () => {
    let down = false;
    const definition = experiment();
    const { ask, pass, report, post, app, logged } = await createExperimentHarness([definition], {
      storeOf: (design) => {
        if (down) throw new Error('no state');
        return env.EXPERIMENT_STATES.getByName(design);
      },
    });
    const arm = (await ask('ada')).experiment;
    down = true;
    pass(60_000);
    expect((await ask('ada')).experiment).toEqual(arm);
    expect((await app.request(`/v1/experiments/${definition.key}`)).status).toBe(503);
    expect((await post('/v1/feedback', { request_id: 'x', outcome: 1 })).status).toBe(503);
    expect(logged.length).toBeGreaterThan(0);
    down = false;
    const { arms } = await report(definition.key);
    expect(arms[0].exposures + arms[1].exposures).toBe(2);
  });

  test('an experiment of which nothing was ever heard enrols nobody', async () => {
    const { ask } = await createExperimentHarness([experiment()], {
      storeOf: () => {
        throw new Error('no state');
      },
    });
    expect((await ask('ada')).experiment).toBeUndefined();
  });
});

test('a key that is not published is not found', async () => {
  const { app } = await createExperimentHarness([experiment()]);
  expect((await app.request('/v1/experiments/nothing')).status).toBe(404);
});

/** A good answer that states another version, or none. */
async function withVersion(call: OriginCall, version: string | undefined): Promise<Response> {
  return Response.json({ ...(await answer(call).json<object>()), model_version: version });
}
