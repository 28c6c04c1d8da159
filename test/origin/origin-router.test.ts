// The origin's router over a session whose logits are the features themselves.

import { expect, test } from 'vitest';
import { expectFloat, type Tensor } from '../../src/core/tensor.ts';
import type { Session } from '../../src/model/session.ts';
import { createOriginRouter } from '../../src/origin/origin-router.ts';

const POLICY = { temperature: 1, top_k: 2, threshold: 0, abstain: 0.4 };
const CLASSES = ['cola', 'mnli', 'stsb'];

const echo: Session = {
  run: ({ features }: Readonly<Record<string, Tensor>>) => Promise.resolve({ logits: expectFloat(features, features.shape, 'features') }),
  release: () => Promise.resolve(),
};

/** Logits whose softmax are these probabilities. */
const logits = (...probabilities: number[]): Float32Array => Float32Array.from(probabilities, Math.log);

test('each row has its own mix and scores, in the order of the resident experts', async () => {
  const route = createOriginRouter({ classes: CLASSES, policy: POLICY }, ['stsb', 'cola', 'mnli'], echo);
  const [first, second, third] = await route([logits(0.6, 0.3, 0.1), logits(0.1, 0.1, 0.8), logits(0.35, 0.35, 0.3)], undefined);
  expect([...first.scores].map((score) => score.toFixed(3))).toEqual(['0.100', '0.600', '0.300']);
  expect([...first.mix].map((weight) => weight.toFixed(3))).toEqual(['0.000', '0.667', '0.333']);
  expect(second.mix[0]).toBeGreaterThan(0.8);
  expect([...third.mix]).toEqual([0, 0, 0]); // abstained
});

test('top_k of the request replaces the policy', async () => {
  const route = createOriginRouter({ classes: CLASSES, policy: POLICY }, CLASSES, echo);
  expect([...(await route([logits(0.6, 0.3, 0.1)], 1))[0].mix]).toEqual([1, 0, 0]);
});

test('the share of an expert that is not resident goes to nobody', async () => {
  const route = createOriginRouter({ classes: CLASSES, policy: POLICY }, ['mnli', 'stsb'], echo);
  const [row] = await route([logits(0.6, 0.3, 0.1)], undefined);
  expect([...row.mix].map((weight) => weight.toFixed(3))).toEqual(['0.333', '0.000']);
  expect([...row.scores].map((score) => score.toFixed(3))).toEqual(['0.300', '0.100']);
});

test('logits of another width are refused', async () => {
  const route = createOriginRouter({ classes: CLASSES, policy: POLICY }, CLASSES, echo);
  await expect(route([logits(0.5, 0.5)], undefined)).rejects.toMatchObject({ code: 'shape' });
});
