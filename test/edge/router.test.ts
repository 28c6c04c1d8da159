import * as fc from 'fast-check';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { describe, expect, test } from 'vitest';
import { PredictBatch, RouteAnswer } from '../../src/contract/http.ts';
import { parseWith } from '../../src/contract/parse.ts';
import { createExtractor } from '../../src/core/routing/features.ts';
import { applyPolicy } from '../../src/core/routing/policy.ts';
import { createBundles } from '../../src/edge/bundles.ts';
import { createSessionFactory } from '../../src/edge/session.ts';
import { assetsOf, FEATURES, POLICY } from './helpers/assets.ts';
import { ALL, CONFIG, createHarness } from './helpers/harness.ts';
import { tinyLogits, tinyRouter } from './helpers/tiny-router.ts';

const createSession = createSessionFactory(wasm);
const extract = createExtractor(FEATURES);
const CLASSES = ['cola', 'sst2', 'stsb'];

/** The edge with real bundles and a real session over these assets. */
function edge(assets: ReadonlyMap<string, Uint8Array>) {
  let sessions = 0;
  const bundles = createBundles({
    async fetchAsset(path) {
      const bytes = assets.get(path);
      return bytes === undefined ? new Response(null, { status: 404 }) : new Response(bytes);
    },
    createSession(model) {
      sessions += 1;
      return createSession(model);
    },
    keepAlive: () => undefined,
  });
  return { ...createHarness({ bundles, endpoints: [ALL] }), sessions: () => sessions };
}

describe('a real router', () => {
  test('property: workerd routes as plain TypeScript does, whatever the text', async () => {
    const { post, sessions } = edge(await assetsOf({}, tinyRouter()));
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }).filter((value) => value.trim() !== '');
    await fc.assert(
      fc.asyncProperty(text, fc.option(text, { nil: undefined }), async (first, second) => {
        const { body } = await post('/v1/route', { text: first, text_pair: second });
        const routed = parseWith(RouteAnswer, body, 'body', 'internal');
        const expected = applyPolicy(tinyLogits(extract(first, second)), CLASSES, POLICY);
        for (const { expert, score } of expected.scores) {
          expect(routed.scores.find((entry) => entry.expert === expert)?.score).toBeCloseTo(score, 5);
        }
      }),
      { seed: 2, numRuns: 100 },
    );
    expect(sessions()).toBe(1);
  });

  test('a cold batch makes one session, and each input has the scores that it has alone', async () => {
    const { post, sessions } = edge(await assetsOf({}, tinyRouter()));
    const inputs = Array.from({ length: 30 }, (_, i) => ({ text: `text number ${i} ${'and more '.repeat(i)}`, explain: true }));
    const { body } = await post('/v1/predict', { inputs });
    expect(sessions()).toBe(1);
    const { predictions } = parseWith(PredictBatch, body, 'body', 'internal');
    for (const [i, { text }] of inputs.entries()) {
      const alone = parseWith(RouteAnswer, (await post('/v1/route', { text })).body, 'body', 'internal');
      expect(predictions[i]).toMatchObject({ explain: { router: alone.scores, routed_by: 'edge' }, abstained: alone.abstained });
    }
  });

  test('top_k overrides the policy', async () => {
    const { post } = edge(await assetsOf({}, tinyRouter()));
    const sizes: number[] = [];
    for (const top_k of [undefined, 1, 64])
      sizes.push(parseWith(RouteAnswer, (await post('/v1/route', { text: 'a', top_k })).body, 'body', 'internal').mix.length);
    expect(sizes).toEqual([2, 1, 3]);
  });

  test('oracle 16: an abstention is answered by the shared model', async () => {
    const { post, calls } = edge(await assetsOf({}, tinyRouter(), { ...POLICY, abstain: 1 }));
    const { body } = await post('/v1/predict', { text: 'a' });
    expect(body).toMatchObject({ abstained: true, mix: [], usage: { experts: 0 } });
    expect(calls[0].body.inputs.map((tensor) => tensor.name)).toEqual(['text', 'head']);
  });
});

test('a router with one changed bit never routes, while tasks are still answered', async () => {
  const router = tinyRouter();
  for (const offset of [0, 10, router.length >> 1, router.length - 1]) {
    const assets = await assetsOf({}, router);
    const changed = Uint8Array.from(router);
    changed[offset] ^= 1;
    const { post, sessions } = edge(assets.set(`${CONFIG}/router.onnx`, changed));
    expect(await post('/v1/predict', { text: 'a' })).toMatchObject({ status: 500, body: { error: { code: 'integrity' } } });
    expect(await post('/v1/route', { text: 'a' })).toMatchObject({ status: 500, body: { error: { code: 'integrity' } } });
    expect((await post('/v1/predict', { text: 'a', task: 'cola' })).status).toBe(200);
    expect(sessions()).toBe(0);
  }
});

test('a router of the right hash that is no model is a defect, not the caller’s fault', async () => {
  const { post } = edge(await assetsOf());
  expect(await post('/v1/predict', { text: 'a' })).toMatchObject({ status: 500, body: { error: { code: 'internal' } } });
});
